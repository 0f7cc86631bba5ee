package host

import (
	"os"
	"strconv"
	"testing"
)

// A name is one holder's at a time.
func TestAlone(t *testing.T) {
	name := "host-test-" + strconv.Itoa(os.Getpid())
	release, alone := Alone(name)
	if !alone {
		t.Fatal("somebody has a name that nobody took")
	}
	again, alone := Alone(name)
	if alone {
		t.Error("two are alone")
	}
	if err := again(); err != nil {
		t.Error(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, alone = Alone(name)
	if !alone {
		t.Error("the name was given back and is not free")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
