package guarded_test

import "unsafe"

// beyond writes a byte at an offset from the beginning of p that need not be inside.
func beyond(p []byte, offset int) {
	*(*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(p)), offset)) = 1
}
