package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCredentialsThatAreRefused: what everybody would try first never guards a server.
func TestCredentialsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ user, password string }{
		"default of MinIO":  {"minioadmin", "minioadmin"},
		"default of RustFS": {"rustfsadmin", "rustfsadmin"},
		"word":              {"admin", "password"},
		"short secret":      {"somebody", "1234567"},
		"short user":        {"ab", "long enough secret"},
		"equal":             {"somebody", "somebody"},
		"no secret":         {"somebody", ""},
	} {
		s := newServer(t, 1)
		s.env = []string{"FLASHSTORE_ROOT_USER=" + c.user,
			"FLASHSTORE_ROOT_PASSWORD=" + c.password}
		code, said := s.refused()
		if code != 2 || !strings.Contains(said, "FLASHSTORE_ROOT_PASSWORD") {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
		if _, err := os.Stat(s.drives[0]); err == nil {
			t.Errorf("%s: the drive was formatted all the same", name)
		}
		if name != "equal" && c.password != "" && c.user != c.password &&
			strings.Contains(said, c.password) {
			t.Errorf("%s: the secret is in the log\n%s", name, said)
		}
	}
}

// TestGeneratedCredentials: made at the first start, kept 0600 beside the drives, the path said
// once, the secret never.
func TestGeneratedCredentials(t *testing.T) {
	s := newServer(t, 2, "--log-level", "debug")
	s.env = nil
	s.start()
	first := s.log()
	found := regexp.MustCompile(`path=(\S+)`).FindAllStringSubmatch(first, -1)
	if len(found) != 1 {
		t.Fatalf("a path is said %d times\n%s", len(found), first)
	}
	path := found[0][1]
	if filepath.Dir(path) != s.dir {
		t.Errorf("%s is not beside the drives in %s", path, s.dir)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, mode %v, want 0600", err, info.Mode())
	}
	user, secret := readCredentials(t, path)
	s.who.AccessKeyID, s.who.SecretAccessKey = user, secret
	s.must(t, http.StatusOK, request{method: "PUT", path: "/generated"})
	s.stop()
	s.start()
	s.who.AccessKeyID, s.who.SecretAccessKey = user, secret
	s.must(t, http.StatusOK, request{method: "HEAD", path: "/generated"})
	if second := s.log(); strings.Contains(second, path) {
		t.Errorf("the path is said again\n%s", second)
	}
	s.stop()
	for _, log := range []string{first, s.log()} {
		if strings.Contains(log, secret) {
			t.Error("the secret is in the log")
		}
	}
}

func readCredentials(t *testing.T, path string) (user, secret string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "FLASHSTORE_ROOT_USER":
			user = value
		case "FLASHSTORE_ROOT_PASSWORD":
			secret = value
		}
	}
	if len(user) < 8 || len(secret) < 32 {
		t.Fatalf("user %q, a secret of %d characters", user, len(secret))
	}
	return user, secret
}
