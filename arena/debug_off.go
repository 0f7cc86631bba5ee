//go:build !arenadebug

package arena

// Debug says that the build tag arenadebug is set: returned blocks are poisoned and checked.
const Debug = false
