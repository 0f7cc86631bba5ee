package engine

import "flashstore/arena"

// bodiesPart: bodies get one of so many parts of the memory. However many clients do not take
// theirs, heads are read, and what is small and near is answered.
const bodiesPart = 2

// divideMemory makes the shares of the request memory.
func (e *Engine) divideMemory() {
	budget := e.allocator.Stats().BudgetBytes
	e.bodies = arena.NewShare(e.allocator, budget/bodiesPart)
	// And of that, clients that are slow to take theirs leave something for those who send.
	e.answers = arena.NewShare(e.bodies, budget/8*3)
}

// checkMemory warns of a budget in which no large object can be stored, however long one waits.
func (e *Engine) checkMemory() {
	budget, least := e.allocator.Stats().BudgetBytes, bodiesPart*e.store.UploadBytes()
	if budget > 0 && budget < least {
		e.log.Warn("memory_budget is too small for a large object: uploads are answered 503",
			"memory_budget", budget, "at_least", least)
	}
}
