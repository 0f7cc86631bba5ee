package erasure

import (
	"sync"

	"flashstore/engine/drive"
)

// attempts names the uploads whose Complete sent a manifest and is not known to be over: the
// answer was "unknown", or the tombstone of the upload failed. The next Complete must not make
// the object again, if by then something newer is there. Like doubts it ends with the process.
type attempts struct {
	mu     sync.Mutex
	orders map[uploadID]drive.Order // of the first manifest: what is above may have released it
}

func (a *attempts) add(u uploadID, order drive.Order) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.orders == nil {
		a.orders = make(map[uploadID]drive.Order)
	}
	if first, found := a.orders[u]; !found || order.Less(first) {
		a.orders[u] = order
	}
}

func (a *attempts) has(u uploadID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, found := a.orders[u]
	return found
}

func (a *attempts) remove(u uploadID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.orders, u)
}

// overtaken reports whether a manifest of u was sent, and is below order.
func (a *attempts) overtaken(u uploadID, order drive.Order) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	sent, found := a.orders[u]
	return found && sent.Less(order)
}
