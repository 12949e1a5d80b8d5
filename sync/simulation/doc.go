// Package simulation has no code of its own: its tests let a kiosk, the link and
// the portal live together in one process, on a clock that nobody waits for, and
// break them by a seed (DESIGN 13.2).
//
// Real are the outbox and its files, the uplink, the portal's sessions, its
// decisions and the ledger in SQLite. Made up are the citizens, the printer, the
// link, which carries frames in memory, and everything that goes wrong; what that
// is, what must hold and what it has found is in firmware/docs/simulation.md.
//
// After every step the invariants of invariants_test.go hold. A seed that breaks
// one prints its story and the command that tells it again:
//
//	go test ./sync/simulation -run TestSeeds -seed 4711
//
//	  69  09:07:59  kiosk: it starts
//	  70  09:07:59  kiosk: the assistant exports to a stick: 1 files
//	  81  09:09:10  kiosk: ITS MEDIUM BREAKS; it is made anew from its mirror
//	  81  09:09:10  kiosk: 3 requests are carried over, 2 of them wait
//
// A run counts how often each fault happened, and fails for one that never did.
// The mutants of mutantlist_test.go are faults put into the product's code; each
// must be caught.
package simulation
