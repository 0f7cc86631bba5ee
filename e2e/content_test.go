package e2e

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"testing"
)

// content is sizeBytes pseudo-random bytes that can be made and verified at any offset.
type content struct {
	seed      uint64
	sizeBytes int64
}

// ReadAt fills p from offset; a short read ends with io.EOF.
func (c content) ReadAt(p []byte, offset int64) (int, error) {
	n := max(0, min(int64(len(p)), c.sizeBytes-offset))
	var word [8]byte
	for i := int64(0); i < n; {
		at := offset + i
		if at%8 == 0 && n-i >= 8 {
			binary.LittleEndian.PutUint64(p[i:], c.word(at/8))
			i += 8
			continue
		}
		binary.LittleEndian.PutUint64(word[:], c.word(at/8))
		i += int64(copy(p[i:n], word[at%8:]))
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// word is the i-th output of SplitMix64 (Steele, Lea, Flood 2014), whose state is a sum.
func (c content) word(i int64) uint64 {
	z := c.seed + uint64(i+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (c content) reader() io.Reader { return io.NewSectionReader(c, 0, c.sizeBytes) }

func (c content) bytes() []byte { return c.slice(0, c.sizeBytes) }

func (c content) slice(offset, length int64) []byte {
	p := make([]byte, length)
	if _, err := c.ReadAt(p, offset); err != nil {
		panic(err) // the caller asks for what is not there
	}
	return p
}

func (c content) etag() string {
	h := md5.New()
	if _, err := io.Copy(h, c.reader()); err != nil {
		panic(err) // a reader of memory
	}
	return hex.EncodeToString(h.Sum(nil))
}

// verify compares what r yields with the length bytes from offset, to the last one.
func (c content) verify(r io.Reader, offset, length int64) error {
	got, want := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := offset; ; {
		n, err := io.ReadFull(r, got)
		rest := offset + length - at
		if int64(n) > rest {
			return fmt.Errorf("more than %d bytes", length)
		}
		if _, err := c.ReadAt(want[:n], at); err != nil {
			panic(err) // inside of the content
		}
		if string(got[:n]) != string(want[:n]) {
			return fmt.Errorf("wrong bytes between %d and %d", at, at+int64(n))
		}
		at += int64(n)
		switch {
		case err == nil:
		case err != io.EOF && err != io.ErrUnexpectedEOF:
			return err
		case int64(n) != rest:
			return fmt.Errorf("%d bytes, want %d", at-offset, length)
		default:
			return nil
		}
	}
}

func TestContentVerifiesItself(t *testing.T) {
	c := content{seed: 7, sizeBytes: 200_003}
	whole := c.bytes()
	if string(c.slice(12_345, 67_891)) != string(whole[12_345:12_345+67_891]) {
		t.Error("a slice differs from the whole")
	}
	if err := c.verify(c.reader(), 0, c.sizeBytes); err != nil {
		t.Error(err)
	}
	for name, wrong := range map[string]content{"seed": {8, 200_003}, "short": {7, 200_002},
		"long": {7, 200_004}} {
		if err := c.verify(wrong.reader(), 0, c.sizeBytes); err == nil {
			t.Errorf("wrong by %s is not seen", name)
		}
	}
}
