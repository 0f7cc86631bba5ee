package warp

import (
	"fmt"
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
	Address   string // host:port, plain HTTP
	AccessKey string
	SecretKey string
	Bucket    string // exists already
	Workload  scenario.Workload
	Duration  time.Duration
	Data      string // path for the operations; warp adds ".csv.zst"
	Log       string
	Cores     []int
}

// DataPath is the file of operations that the run leaves.
func (l Load) DataPath() string { return l.Data + ".csv.zst" }

// Start starts warp. The caller waits for it and must end it if it does not end by itself.
func Start(l Load) (*process.Process, error) {
	return process.Start(process.Spec{
		Path: l.Binary, Args: l.args(), Log: l.Log, Cores: l.Cores,
		Env: []string{"WARP_ACCESS_KEY=" + l.AccessKey, "WARP_SECRET_KEY=" + l.SecretKey},
	})
}

func (l Load) args() []string {
	args := []string{
		l.Workload.Op, "--no-color", "--host", l.Address, "--region", "us-east-1",
		"--bucket", l.Bucket, "--noclear", "--benchdata", l.Data,
		"--obj.size", fmt.Sprintf("%d", l.Workload.ObjSize),
		"--concurrent", strconv.Itoa(l.Workload.Concurrent),
		"--duration", l.Duration.String(),
	}
	if l.Workload.Op != "put" {
		args = append(args, "--objects", strconv.Itoa(l.Workload.Objects))
	}
	if l.Workload.Data == "preload" {
		args = append(args, "--list-existing")
	}
	if l.Workload.PayloadSigning == "unsigned" {
		args = append(args, "--disable-sha256-payload")
	}
	if l.Workload.Op == "put" {
		args = append(args, "--disable-multipart")
	}
	return args
}
