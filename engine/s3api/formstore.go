package s3api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"strconv"

	"flashstore/engine/object"
	"flashstore/engine/s3api/form"
	"flashstore/engine/s3err"
)

// formUpload stores the file of a form, whose length nobody knows before its end: fields that
// nobody reads may follow it, and a store wants to know. So a window of a part's least size is read
// first. A file that ends in it is put; a longer one becomes an upload of parts, one window each,
// and in the end an object like any that was put: ETag and checksum are of all its bytes, not of
// parts.
type formUpload struct {
	h       *Handler
	rq      *request
	policy  *form.Policy
	headers []object.Pair
	// attributes of the object
	attributes object.Attributes
	body       *body
	window     window
	size       int64 // bytes read
}

// store returns what was stored. Errors: EntityTooLarge, EntityTooSmall, SlowDown, those of the
// body and of the store.
func (u *formUpload) store() (object.Info, error) {
	defer u.h.windows.release(&u.window)
	whole, err := u.fill()
	if err != nil {
		return object.Info{}, err
	}
	if !whole {
		return u.storeParts()
	}
	put := u.put()
	put.Seal = u.body.seal
	return u.h.store.PutObject(u.rq.ctx, put)
}

// fill reads the next window, and reports whether the file ended in it.
func (u *formUpload) fill() (ended bool, err error) {
	u.window.reset()
	for u.window.size < windowBytes {
		room, err := u.h.windows.room(&u.window)
		if err != nil {
			return false, err
		}
		n, err := u.body.Read(room)
		u.window.size += int64(n)
		u.size += int64(n)
		if u.size > u.sizeMax() {
			return false, tooLarge(u.size, u.sizeMax())
		}
		if err == io.EOF {
			return true, u.checkSizeMin()
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

func (u *formUpload) sizeMax() int64 { return min(u.policy.SizeMax, object.PutBytesMax) }

// tooLarge says how large a file is at least, for nobody reads on.
func tooLarge(size, most int64) error {
	return s3err.EntityTooLarge.With("Your proposed upload exceeds the maximum allowed size").
		Detail("ProposedSize", strconv.FormatInt(size, 10)).
		Detail("MaxSizeAllowed", strconv.FormatInt(most, 10))
}

func (u *formUpload) checkSizeMin() error {
	if u.size >= u.policy.SizeMin {
		return nil
	}
	return s3err.EntityTooSmall.With("Your proposed upload is smaller than the minimum allowed size").
		Detail("ProposedSize", strconv.FormatInt(u.size, 10)).
		Detail("MinSizeAllowed", strconv.FormatInt(u.policy.SizeMin, 10))
}

// put is what the window holds, as an upload of its own.
func (u *formUpload) put() *object.Put {
	return &object.Put{Bucket: u.rq.bucket, Key: u.rq.key, SizeBytes: u.window.size,
		Headers: u.headers, Attributes: u.attributes, Body: u.window.reader()}
}

// storeParts stores a file of more than one window, the first of which is full.
func (u *formUpload) storeParts() (info object.Info, err error) {
	store, rq := u.h.store, u.rq
	id, err := store.CreateUpload(rq.ctx, &object.NewUpload{Bucket: rq.bucket, Key: rq.key,
		Headers: u.headers, Attributes: u.attributes})
	if err != nil {
		return info, err
	}
	defer func() {
		if err != nil {
			u.abort(id)
		}
	}()
	all := object.Complete{Bucket: rq.bucket, Key: rq.key, Upload: id,
		Seal: func(_ []object.Part, info *object.Info) error {
			info.Parts = 0 // of one piece to everybody else
			return u.body.seal(info)
		}}
	tag := partTag()
	for ended := false; ; {
		part := object.PutPart{Put: *u.put(), Upload: id, Number: len(all.Parts) + 1}
		part.Seal = func(info *object.Info) error {
			info.ETag = tag
			return nil
		}
		if _, err = store.PutPart(rq.ctx, &part); err != nil {
			return info, err
		}
		all.Parts = append(all.Parts, object.CompletePart{Number: part.Number, ETag: tag})
		if ended {
			break
		}
		if ended, err = u.fill(); err != nil {
			return info, err
		}
		if ended && u.window.size == 0 {
			break
		}
	}
	if info, err = store.CompleteUpload(rq.ctx, &all); err != nil {
		return info, err
	}
	info.Key = rq.key
	return info, nil
}

// partTag is the ETag of all parts of one file. Nobody guesses it: a part that somebody else put in
// its place, who found the upload in a list, is not taken for ours.
func partTag() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return hex.EncodeToString(raw[:])
}

// abort drops the parts of a file that did not come to its end.
func (u *formUpload) abort(id object.UploadID) {
	err := u.h.store.AbortUpload(context.Background(), u.rq.bucket, u.rq.key, id)
	if err != nil {
		u.h.config.Log.Warn("the upload of a broken form stays", slog.String("upload", string(id)),
			slog.Any("error", err))
	}
}

// formPayload is the file of a form. What it is, the claims of the form say; nothing else does.
type formPayload struct {
	file *form.File
	err  error
}

func (p *formPayload) Read(b []byte) (n int, err error) {
	n, p.err = p.file.Read(b)
	return n, p.err
}

// Finish returns nil once the file was read to its end.
func (p *formPayload) Finish() error {
	if p.err == io.EOF {
		return nil
	}
	return s3err.IncompleteBody
}

// Trailer returns nothing: a form has none.
func (p *formPayload) Trailer(string) (string, bool) { return "", false }
