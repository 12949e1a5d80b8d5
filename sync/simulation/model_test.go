package simulation

import (
	"fmt"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// number is a record's number.
type number struct {
	kiosk string
	epoch outbox.Epoch
	seq   uint64
}

// card is a copy of a medium.
type card struct {
	files map[string][]byte
	store store
	docs  map[*doc]bool
	m     *machine
	epoch outbox.Epoch
	size  int64 // of the journal
	view  *view
}

// doc is what is known of one request that a citizen handed in.
type doc struct {
	*paper
	n         int
	held      map[*machine]bool // on whose medium it is
	told      bool              // «accepted» was on the screen
	withdrawn bool              // «withdrawn» was
	excused   string            // why it may be lost
	messy     bool              // it is on a medium that was cloned or put back: a step may be done twice
	atRisk    bool              // the portal that gave the receipt was put back to before it
	unmarked  map[uint8]int     // papers of a kind that came out without a mark
	epoch     outbox.Epoch
	seq       uint64
	answered  ledger.State
	packet    []byte
}

func (d *doc) String() string { return fmt.Sprintf("request %d (%s)", d.n, d.service) }

// came is a paper that came out.
func (d *doc) came(j outbox.PrintJob) {
	if !j.Marked {
		d.unmarked[j.Kind]++
	}
}
