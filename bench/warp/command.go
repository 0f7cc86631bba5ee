package warp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"flashstore/bench/process"
	"flashstore/bench/scenario"
)

// LeadTime is how long warp waits between its preparations and the load, whatever it is told.
const LeadTime = 3 * time.Second

// Load is one run of warp.
type Load struct {
	Binary    string
	Address   string // host:port
	TLS       bool   // with any certificate: the server is the harness's own, on loopback
	AccessKey string
	SecretKey string
	Region    string // that requests are signed for
	Bucket    string // exists already
	Workload  scenario.Workload
	Duration  time.Duration
	Data      string // path for the operations; warp adds ".csv.zst"
	Log       string
	Cores     []int
}

// DataPath is the file of operations that the run leaves.
func (l Load) DataPath() string { return l.Data + ".csv.zst" }

// Counted leaves out of operations what warp did to prepare the load: it records the uploads of
// what is listed, looked up or deleted afterwards as well.
func (l Load) Counted(operations []Operation) []Operation {
	kinds := map[string]string{"get": "GET", "stat": "STAT", "list": "LIST", "delete": "DELETE"}
	kind := kinds[l.Workload.Op]
	if kind == "" { // the uploads are the load; of a mixed one warp records no others
		return operations
	}
	return slices.DeleteFunc(operations, func(o Operation) bool { return o.Kind != kind })
}

// Start starts warp. The caller waits for it and must end it if it does not end by itself. What an
// earlier run has left as its data is removed first, so that it is never taken for this one's.
func Start(l Load) (*process.Process, error) {
	if err := os.Remove(l.DataPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return process.Start(process.Spec{
		Path: l.Binary, Args: l.args(), Log: l.Log, Cores: l.Cores,
		Env: []string{"WARP_ACCESS_KEY=" + l.AccessKey, "WARP_SECRET_KEY=" + l.SecretKey},
	})
}

func (l Load) args() []string {
	w := &l.Workload
	op := w.Op
	if op == "multipart" {
		op = "put" // in parts, unless told otherwise
	}
	args := []string{
		op, "--no-color", "--host", l.Address, "--region", l.Region,
		"--bucket", l.Bucket, "--noclear", "--benchdata", l.Data,
		"--obj.size", fmt.Sprintf("%d", w.ObjSize),
		"--concurrent", strconv.Itoa(w.Concurrent),
		"--duration", l.Duration.String(),
	}
	for flag, wanted := range map[string]bool{
		"--tls": l.TLS, "--insecure": l.TLS,
		"--list-existing":          w.Data == "preload",
		"--disable-sha256-payload": w.PayloadSigning == "unsigned",
		"--disable-multipart":      w.Op == "put",
	} {
		if wanted {
			args = append(args, flag)
		}
	}
	if !w.StartsEmpty() {
		args = append(args, "--objects", strconv.Itoa(w.Objects))
	}
	if w.RangeSize > 0 {
		args = append(args, "--range-size", fmt.Sprintf("%d", w.RangeSize))
	}
	if w.Op == "delete" {
		args = append(args, "--batch", strconv.Itoa(w.Batch))
	}
	return args
}
