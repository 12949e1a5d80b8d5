// Package simulation has no code of its own: its tests let a kiosk, the link and
// the portal live together in one process, on a clock that nobody waits for, and
// break them by a seed (DESIGN 13.2).
//
// Real are the outbox and its file, the uplink, the portal's sessions, its
// decisions and the ledger in SQLite. Made up are the citizens, the printer, the
// link, which carries frames in memory, and everything that goes wrong: power cuts
// at any commit and any frame, torn commits, cut and silent links, frames
// repeated, swapped, altered and replayed, clocks that step, media that fill, cards
// that are cloned or put back, sticks that are carried late, twice or damaged, and a
// portal restored from its backup.
//
// After every step the invariants of invariants_test.go hold. A seed that breaks
// one prints its story and the command that tells it again:
//
//	go test ./sync/simulation -run TestSeeds -seed 4711
//
// The mutants of mutants_test.go are faults put into the product's code; each must
// be caught.
package simulation
