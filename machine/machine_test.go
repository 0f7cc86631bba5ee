package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMountOf(t *testing.T) {
	table := `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:5 / /data rw,noatime - xfs /dev/vdb rw
31 22 0:6 / /data\0402 rw - btrfs /dev/vdc rw
32 22 0:7 / /database rw - tmpfs none rw
`
	for path, want := range map[string][3]string{
		"/home/x":    {"ext4", "/dev/root", "rw,relatime"},
		"/data/d1":   {"xfs", "/dev/vdb", "rw,noatime"},
		"/data":      {"xfs", "/dev/vdb", "rw,noatime"},
		"/data 2/d1": {"btrfs", "/dev/vdc", "rw"},
		"/databases": {"ext4", "/dev/root", "rw,relatime"},
	} {
		kind, device, flags := mountOf(table, path)
		if got := [3]string{kind, device, flags}; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	here := Identify(t.TempDir())
	if here.Cores < 1 || here.Kernel == "" || here.FileSystem == "" {
		t.Errorf("incomplete: %+v", here)
	}
	again, err := Parse(here.String())
	if err != nil || again.Differs(here) != "" {
		t.Errorf("%v, %q", err, again.Differs(here))
	}
	for name, change := range map[string]func(*Identity){
		"CPU: ":          func(i *Identity) { i.CPU += "x" },
		"CPU features: ": func(i *Identity) { i.Flags = append(i.Flags, "x") },
		"cores: ":        func(i *Identity) { i.Cores++ },
		"kernel: ":       func(i *Identity) { i.Kernel = "0.1" },
		"file system: ":  func(i *Identity) { i.FileSystem = "x" },
	} {
		other := Identify(t.TempDir())
		change(&other)
		if got := here.Differs(other); !strings.HasPrefix(got, name) {
			t.Errorf("%q, want %q", got, name)
		}
	}
	if _, err := Parse("{"); err == nil {
		t.Error("half a line was read")
	}
}

func TestCPU(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpuinfo")
	text := "processor\t: 0\nmodel name\t: A 1\nflags\t\t: fpu avx2 gfni\n\nprocessor\t: 1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	model, flags, cores := CPU(file)
	if model != "A 1" || strings.Join(flags, " ") != "avx2 gfni" || cores != 2 {
		t.Errorf("%q, %v, %d", model, flags, cores)
	}
}
