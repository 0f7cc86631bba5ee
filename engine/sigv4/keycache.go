package sigv4

import (
	"hash/maphash"
	"sync/atomic"
)

// keySlots bounds the cached keys; 4,096 pointers are 32 KiB.
const keySlots = 1 << 12

// keyCache keeps derived keys: four HMACs saved a request. It is direct-mapped: a slot a hash of
// access key, day and service, no locks, no eviction; two keys that share a slot cost each
// other a derivation. A new generation takes the slot of the old one, which is so forgotten.
// Only keys that KeySource knows get in (and one dummy), so strangers cannot flush it.
type keyCache struct {
	seed maphash.Seed
	slot [keySlots]atomic.Pointer[cachedKey]
}

// cachedKey is immutable. The region is that of the Verifier.
type cachedKey struct {
	accessKey  string
	generation uint64
	date       [8]byte
	service    string
	key        signingKey
}

func (c *keyCache) init() { c.seed = maphash.MakeSeed() }

// get returns the key for the access key ("" is the dummy) on that day, derived or cached.
func (c *keyCache) get(
	accessKey []byte, generation uint64, secret string, date [8]byte, region, service string,
) *cachedKey {
	hash := maphash.Bytes(c.seed, accessKey)
	hash += uint64(date[7])<<3 + uint64(len(service))
	slot := &c.slot[hash%keySlots]
	if k := slot.Load(); k != nil && k.generation == generation && k.date == date &&
		k.service == service && k.accessKey == string(accessKey) {
		return k
	}
	k := &cachedKey{
		accessKey:  string(accessKey),
		generation: generation,
		date:       date,
		service:    service,
		key:        deriveKey(secret, string(date[:]), region, service),
	}
	slot.Store(k)
	return k
}
