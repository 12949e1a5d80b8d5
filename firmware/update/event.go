package update

import "github.com/penjire/penjire/sync/release"

// Event is something that happened.
type Event interface{ event() }

// The events.
type (
	// Started is the first event after every start of the daemon.
	Started struct{}

	// Tick comes every few seconds.
	Tick struct{}

	// Offered is a description that was opened: its signature is good.
	Offered struct {
		Release *release.Release
		Path    string // of its bundle, on a memory stick; "": the portal has it
		Hand    bool   // a person asks for it
		Wait    bool   // it waits for quiet hours all the same
		Again   bool   // also if it failed here before
	}

	// Withdrawn says that the portal has nothing for this kiosk, or not any more.
	Withdrawn struct{}

	// Got says how much of the bundle is durable, and how much the link brought since the
	// last time.
	Got struct {
		Have, New int64
		Left      int64         // bytes that are still to come over the link
		Whole     release.Whole // why all of the bundle comes so; "": it does not, or has not to
	}

	// Whole says that the bundle is there and is the one described.
	Whole struct{}

	// Cut says that fetching ended before its end; more may come later. Full: because
	// the kiosk's own disk takes no more.
	Cut struct{ Full bool }

	// Spoiled says that what came is not the bundle described. Differs: it was put
	// together from the bundle of before and what the portal calls new.
	Spoiled struct{ Differs bool }

	// InstallEnded ends Install.
	InstallEnded struct {
		Code   release.Code // "": it is written, and starts next
		Detail string       // RAUC's words
	}

	// Kept says that the bundle that went well is kept.
	Kept struct{}

	// Marked says that the running slot is marked good.
	Marked struct{}

	// Noted says that the first n notes are in the journal.
	Noted struct{ N int }

	// Told says that the portal knows how that build ended.
	Told struct{ Build uint64 }

	// Learned are lists of keys that a description brought.
	Learned struct{ Lists [][]byte }
)

func (Started) event()      {}
func (Tick) event()         {}
func (Offered) event()      {}
func (Withdrawn) event()    {}
func (Got) event()          {}
func (Whole) event()        {}
func (Cut) event()          {}
func (Spoiled) event()      {}
func (InstallEnded) event() {}
func (Kept) event()         {}
func (Marked) event()       {}
func (Noted) event()        {}
func (Told) event()         {}
func (Learned) event()      {}

// Effect is something to do. Each may be done again after a crash: doing it twice is
// as good as once.
type Effect interface{ effect() }

// The effects.
type (
	// Fetch gets the bundle, behind what is there, and checks it: Got, and at the end
	// Whole, Cut or Spoiled. Where a fetch is under way already it goes on.
	Fetch struct{}

	// Halt stops fetching; what is there stays.
	Halt struct{}

	// Drop stops fetching and removes the bundle.
	Drop struct{}

	// Keep keeps the bundle, for the next to be put together from, in place of the one
	// kept before: Kept.
	Keep struct{}

	// DropBase removes the bundle that is kept.
	DropBase struct{}

	// Install has RAUC write the other slot: InstallEnded.
	Install struct{}

	// Reboot restarts the machine.
	Reboot struct{}

	// MarkGood tells the boot loader that the running slot is good: Marked.
	MarkGood struct{}

	// Leave has the other slot start first, and restarts the machine. The running one
	// stays startable: it is what is left if the other does not start.
	Leave struct{}

	// WriteNotes puts the state's notes into the journal: Noted.
	WriteNotes struct{}
)

func (Fetch) effect()      {}
func (Halt) effect()       {}
func (Drop) effect()       {}
func (Keep) effect()       {}
func (DropBase) effect()   {}
func (Install) effect()    {}
func (Reboot) effect()     {}
func (MarkGood) effect()   {}
func (Leave) effect()      {}
func (WriteNotes) effect() {}
