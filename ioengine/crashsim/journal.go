package crashsim

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// checkpointEvery is how many operations lie between two states that are kept; going back to
// any operation replays at most that many.
const checkpointEvery = 128

// cursor is the state that After looked at last: the next cut is mostly the next operation.
type cursor struct {
	mu sync.Mutex
	at *state
}

// do carries out the next operation and records it.
func (d *Disk) do(o *op) {
	o.number = d.state.op + 1
	pages := 0
	if o.changesContent() {
		pages = -d.state.files[o.file].live.allocatedPages()
	}
	d.state.apply(o)
	if o.changesContent() {
		d.usedPages += pages + d.state.files[o.file].live.allocatedPages()
	}
	d.journal = append(d.journal, o)
	if len(d.journal)%checkpointEvery == 0 {
		d.checkpoints = append(d.checkpoints, d.state.fork())
	}
}

// Ops is the number of the last operation that changed the disk. The first one is 1.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.op - d.birth
}

// Describe says what operation n of Ops was.
func (d *Disk) Describe(n int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n < 1 || n > len(d.journal) {
		return fmt.Sprintf("operation %d of %d", n, len(d.journal))
	}
	return fmt.Sprintf("operation %d of %d: %s", n, len(d.journal), d.journal[n-1])
}

// After returns a new disk: what stands on the medium if the power fails right after
// operation n, or with Torn during it; 0 <= n <= Ops. The same n, loss and seed give the same
// disk. The new disk has power, no open files, no locks, no script, and counts from 0.
func (d *Disk) After(n int, loss Loss, seed uint64) *Disk {
	d.mu.Lock()
	journal, checkpoints := d.journal, d.checkpoints
	c := d.config
	c.CapacityBytes = d.capacityBytes
	d.mu.Unlock()
	if n < 0 || n > len(journal) {
		panic(fmt.Sprintf("crashsim: no operation %d, only %d", n, len(journal)))
	}
	p := powerCut{loss: loss, random: rand.New(rand.NewPCG(seed, uint64(n)<<8|uint64(loss)))}
	if loss == Torn && n > 0 {
		n--
		if o := journal[n]; o.action == write || o.action == commit {
			p.torn = o
		}
	}
	d.cursor.mu.Lock()
	defer d.cursor.mu.Unlock()
	p.before = d.cursor.seek(d.birth, n, journal, checkpoints)
	return newDisk(c, p.run())
}

// seek returns the state after operation n, which is good until the next seek.
func (c *cursor) seek(birth, n int, journal []*op, checkpoints []*state) *state {
	nearest := checkpoints[n/checkpointEvery]
	if c.at == nil || c.at.op > birth+n || c.at.op < nearest.op {
		c.at = nearest.fork()
	}
	for c.at.op < birth+n {
		c.at.apply(journal[c.at.op-birth])
	}
	return c.at
}

func (o *op) changesContent() bool { return o.action <= flip }
