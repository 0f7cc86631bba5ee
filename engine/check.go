package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"flashstore/engine/config"
	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
	"flashstore/ioengine/threadpool"
)

// CheckOptions say what to examine.
type CheckOptions struct {
	// Dirs are the directories of drives whose server is stopped.
	Dirs []string
	// RebuildIndex makes each index anew from its log first.
	RebuildIndex bool
	// Progress is called often, from one goroutine at a time.
	Progress func(CheckProgress)
}

// CheckProgress is what is being done.
type CheckProgress struct {
	Path string // of a drive, or "" for the whole set
	What string
	// Done of Total are behind it, bytes of a drive or registers of a set; 0 of 0 if not known.
	Done, Total int64
}

// CheckReport is all that was found.
type CheckReport struct {
	// Clean: everything was examined, and nothing is wrong.
	Clean bool `json:"clean"`
	// Findings are those of all drives and sets together.
	Findings int `json:"findings"`
	// Error says why the rest was not examined, and Fault is a word for it: in-use, interrupted, or,
	// where every directory was refused, why one of them was.
	Error  string       `json:"error,omitempty"`
	Fault  string       `json:"fault,omitempty"`
	Drives []CheckDrive `json:"drives"`
	Sets   []CheckSet   `json:"sets"`
}

// CheckDrive is one directory.
type CheckDrive struct {
	local.Report
	// Refused says why it was not examined; that is a finding, unless the check ended before.
	Refused string `json:"refused,omitempty"`
	// Fault is a word for it, given wherever Refused is: one of those that the status has for a
	// drive that is away, or in-use, interrupted or not-reached.
	Fault string `json:"fault,omitempty"`
	// IndexRebuilt: its index was made anew from the log, as was asked for, and then examined.
	IndexRebuilt bool `json:"index_rebuilt,omitempty"`
}

// CheckFinding is one thing that is wrong on a drive.
type CheckFinding = local.Finding

// Check examines drives, one after the other, whatever is found on the ones before, and then
// compares those that belong together. A single directory is not compared. The report is whole
// unless there is an error: config.ErrUsage, drive.ErrInUse, the end of ctx, or that none of the
// directories is a drive.
func Check(ctx context.Context, o CheckOptions) (*CheckReport, error) {
	if o.Progress == nil {
		o.Progress = func(CheckProgress) {}
	}
	slots := make([]slot, len(o.Dirs))
	for i, dir := range o.Dirs {
		path, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("drive %s: %w", dir, err)
		}
		slots[i].path = path
	}
	if err := distinct(slots); err != nil {
		return nil, fmt.Errorf("%w: check: %w", config.ErrUsage, err)
	}
	io, err := threadpool.New(threadpool.Config{})
	if err != nil {
		return nil, err
	}
	c := &checker{CheckOptions: o, ctx: ctx, io: io, slots: slots,
		report: &CheckReport{Drives: []CheckDrive{}, Sets: []CheckSet{}}}
	err = c.run()
	if err != nil {
		c.report.Error, c.report.Fault = err.Error(), string(faultOf(err))
	}
	c.report.Clean = err == nil && c.report.Findings == 0
	return c.report, errors.Join(err, io.Close())
}

// checker is the work of one Check.
type checker struct {
	CheckOptions
	ctx    context.Context
	io     ioengine.Engine
	slots  []slot // the directories, with why those that could not be examined were not
	report *CheckReport
	// buckets of the deployment that is being compared, where it has several sets.
	buckets map[drive.BucketID]string
}

func (c *checker) run() error {
	examined := 0
	var refused error
	for i := range c.slots {
		s := &c.slots[i]
		d, err := c.examine(s)
		switch {
		case c.ctx.Err() != nil:
			return c.end(i, fmt.Errorf("interrupted at %s: %w", s.path, c.ctx.Err()))
		case errors.Is(err, drive.ErrInUse):
			c.report.Findings++
			return c.end(i, advise(s.path, err))
		case err != nil:
			s.away = adviseCheck(s.path, err)
			d.Refused, d.Fault = s.away.Error(), string(faultOf(s.away))
			d.FindingsTotal++
			refused = errors.Join(refused, s.away)
		default:
			examined++
		}
		c.report.Drives = append(c.report.Drives, d)
		c.report.Findings += d.FindingsTotal
	}
	if examined == 0 {
		return refused
	}
	if len(c.slots) == 1 {
		return nil
	}
	return c.compare()
}

// end puts into the report what is left when err ends the check at a directory: each that was given
// is there, so that nobody has to guess which one a report says nothing of. It returns err.
func (c *checker) end(at int, err error) error {
	d := unexamined(c.slots[at].path)
	d.Refused, d.Fault = err.Error(), string(faultOf(err))
	if errors.Is(err, drive.ErrInUse) {
		d.FindingsTotal = 1
	}
	c.report.Drives = append(c.report.Drives, d)
	for _, s := range c.slots[at+1:] {
		d := unexamined(s.path)
		d.Refused = "the check ended before it: " + c.slots[at].path
		d.Fault = string(faultNotReached)
		c.report.Drives = append(c.report.Drives, d)
	}
	return err
}

func unexamined(path string) CheckDrive {
	return CheckDrive{Report: local.Report{Path: path, Findings: []local.Finding{}}}
}

// examine is the census of one drive.
func (c *checker) examine(s *slot) (CheckDrive, error) {
	none := unexamined(s.path)
	id, err := local.Identify(c.io, s.path)
	if errors.Is(err, drive.ErrForeign) {
		err = fmt.Errorf("%w: it is no flashstore drive: name the directory of a drive", err)
	}
	if err != nil {
		return none, err
	}
	s.identity = id
	if err := s.nonsense(); err != nil {
		return none, err
	}
	progress := func(p local.Progress) {
		c.Progress(CheckProgress{s.path, p.What, p.DoneBytes, p.TotalBytes})
	}
	if c.RebuildIndex {
		if err := local.RebuildIndex(c.ctx, c.io, s.path, progress); err != nil {
			return none, err
		}
		none.IndexRebuilt = true
	}
	r, err := local.Census(c.ctx, c.io, s.path, progress)
	if err != nil {
		return none, err
	}
	return CheckDrive{Report: r, IndexRebuilt: none.IndexRebuilt}, nil
}

// adviseCheck is advise for a directory that was given to Check.
func adviseCheck(path string, err error) error {
	if errors.Is(err, drive.ErrUnformatted) {
		return fmt.Errorf("%w: name the directories that the server has in --drives", err)
	}
	return advise(path, err)
}
