// Package faulty owns a Drive that fails by script: it wraps another one and lets chosen
// calls fail, come late or hang, before or after they took effect.
//
// It does not own storage: whatever is not injected is the wrapped drive's.
//
// Invariants:
//
//  1. A call that no rule matches behaves as the wrapped drive does.
//  2. Every done function is called exactly once, at the latest by Close.
//  3. A hung call goes on after Release or Close, never by itself.
package faulty
