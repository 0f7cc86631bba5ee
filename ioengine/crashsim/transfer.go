package crashsim

import (
	"io"
	"syscall"
	"unsafe"

	"flashstore/ioengine"
)

// start carries out an operation, but for the end of a DSync write. It returns what finish
// needs for that, nil if there is nothing left to do.
func start(o *ioengine.Op, d *Disk) (*op, error) {
	f, err := d.own(o.File)
	if err != nil {
		return nil, err
	}
	switch o.Kind {
	case ioengine.Read:
		return nil, f.read(o)
	case ioengine.DataSync:
		return nil, f.dataSync()
	default:
		return f.write(o)
	}
}

func (f *File) read(o *ioengine.Op) error {
	r, err := f.begin(Read, "read")
	if err != nil {
		return err
	}
	c := f.content() // never changes
	f.disk.mu.Unlock()
	if err := f.aligned(o); err != nil {
		return failed("read", f.path, err)
	}
	at := o.OffsetBytes
	for _, p := range o.Bufs {
		there := max(0, min(int64(len(p)), c.sizeBytes-at))
		c.read(p[:there], at)
		if flipAt := r.FlipAt - (at - o.OffsetBytes); flipAt >= 0 && flipAt < there {
			p[flipAt] ^= r.FlipMask
		}
		if there < int64(len(p)) {
			return failed("read", f.path, io.ErrUnexpectedEOF)
		}
		at += there
	}
	return nil
}

// write puts the bytes into the cache: the first of a DSync write's two operations. If it
// fails, some of them may be there.
func (f *File) write(o *ioengine.Op) (*op, error) {
	kind := Write
	if o.DSync {
		kind = DSyncWrite
	}
	r := f.disk.admit(kind, f.path)
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dark {
		return nil, failed("write", f.path, ErrPowerLost)
	}
	err := f.usable(kind)
	if err == nil {
		err = f.aligned(o)
	}
	if err != nil {
		return nil, failed("write", f.path, err)
	}
	length := int64(ioengine.TotalBytes(o.Bufs))
	if r.Err != nil {
		length, err = min(length, r.Partly), r.Err
	}
	if fits := f.fitting(o.OffsetBytes, length); fits < length {
		length, err = fits, syscall.ENOSPC
	}
	var written *op
	if length > 0 {
		written = &op{action: write, path: f.path, file: f.id, from: o.OffsetBytes,
			to: o.OffsetBytes + length, parts: cut(o.Bufs, o.OffsetBytes, int(length))}
		d.do(written)
	}
	if err == nil {
		if !o.DSync {
			written = nil
		}
		return written, nil
	}
	if o.DSync && written != nil {
		d.do(&op{action: syncFailed, path: f.path, file: f.id, committed: written.number})
	}
	return nil, failed("write", f.path, err)
}

// finish makes a DSync write durable: the second of its two operations.
func (f *File) finish(written *op) error {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dark {
		return failed("write", f.path, ErrPowerLost)
	}
	d.do(&op{action: commit, path: f.path, file: f.id, from: written.from, to: written.to,
		committed: written.number})
	return nil
}

// dataSync makes durable what was in the cache when it began.
func (f *File) dataSync() error {
	r := f.disk.admit(DataSync, f.path)
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	o := &op{action: dataSync, path: f.path, file: f.id, upTo: r.begun}
	switch {
	case d.dark:
		return failed("fdatasync", f.path, ErrPowerLost)
	case f.closed && f.holds == 0:
		return failed("fdatasync", f.path, syscall.EBADF)
	case r.Err != nil:
		o.action = syncFailed
		d.do(o)
		return failed("fdatasync", f.path, r.Err)
	}
	d.do(o)
	return nil
}

// fitting is how much of a write there is disk space for.
func (f *File) fitting(offsetBytes, lengthBytes int64) int64 {
	c, free := f.content(), f.disk.freePages()
	end := offsetBytes + lengthBytes
	if lengthBytes == 0 || c.missing(offsetBytes, end) <= free {
		return lengthBytes
	}
	at := offsetBytes
	for at < end {
		if allocated, _ := c.bits(pageOf(at)); !allocated {
			if free == 0 {
				break
			}
			free--
		}
		at = int64(pageOf(at)+1) * pageBytes
	}
	return min(at, end) - offsetBytes
}

// aligned refuses what open(2) says O_DIRECT refuses.
func (f *File) aligned(o *ioengine.Op) error {
	if o.OffsetBytes < 0 {
		return syscall.EINVAL
	}
	if !f.flags.Direct {
		return nil
	}
	odd := uintptr(o.OffsetBytes)
	for _, p := range o.Bufs {
		if len(p) > 0 {
			odd |= uintptr(len(p)) | uintptr(unsafe.Pointer(unsafe.SliceData(p)))
		}
	}
	if odd%ioengine.AlignBytes != 0 {
		return syscall.EINVAL
	}
	return nil
}
