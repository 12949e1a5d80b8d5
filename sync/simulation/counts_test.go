package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// counts says how often what happened.
type counts map[string]uint64

func (c counts) add(more counts) {
	for k, n := range more {
		c[k] += n
	}
}

func (c counts) table() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%10d  %s\n", c[k], k)
	}
	return b.String()
}

// missing returns what should have happened in so many seeds and did not.
func (c counts) missing(seeds uint64) []string {
	all := slices.Clone(musts)
	if disksFill() {
		all = append(all, diskMusts...)
	}
	if seeds >= enoughForRare {
		all = append(all, rareMusts...)
		if disksFill() {
			all = append(all, rareDiskMusts...)
		}
	}
	return slices.DeleteFunc(all, func(k string) bool { return c[k] > 0 })
}

// count notes that something happened.
func (s *sim) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// once notes that something happened in this seed.
func (s *sim) once(what string) {
	if !s.had[what] {
		s.had[what] = true
		s.count(what)
	}
}

// countPoint notes at which point a process ended, whatever the numbers in it.
func (s *sim) countPoint(who, at string) {
	if i := strings.IndexAny(at, "0123456789("); i >= 0 {
		at = at[:i]
	}
	s.count("fault: " + who + " ends " + strings.TrimSpace(at))
}

// musts are the faults and the rare states that a run of many seeds must have
// reached: a promise that was never tried is not proved.
var musts = []string{
	"event: accept", "event: answer", "event: a day passes", "event: back up", "event: back up the kiosk", "event: busy",
	"event: carry a stick", "event: clock", "event: clone", "event: cut", "event: export", "event: hand in again",
	"event: kiosk breaks", "event: mirror comes or goes", "event: no line", "event: old card", "event: portal clock",
	"event: portal crash", "event: portal full", "event: power", "event: print again", "event: restart", "event: restore",
	"event: silent", "event: unsure", "event: update", "event: withdraw",

	"fault: a commit of the portal is torn", "fault: a frame comes twice", "fault: a frame is altered",
	"fault: a frame is under way for minutes", "fault: a record comes under another document's name",
	"fault: a kiosk is restored from a backup",
	"fault: a kiosk is restored from its mirror", "fault: a stick comes again", "fault: a stick comes late",
	"fault: a stick comes to the wrong kiosk", "fault: a stick is damaged", "fault: a stick is half copied",
	"fault: an old frame is replayed", "fault: two frames are swapped",
	"fault: kiosk ends before a commit of the outbox", "fault: kiosk ends before it connects",
	"fault: kiosk ends before it keeps a catalogue",
	"fault: kiosk ends before it keeps a witnessed head", "fault: kiosk ends before it sends hello",
	"fault: kiosk ends before it sends its journal's head", "fault: kiosk ends before it sends records",
	"fault: kiosk ends before it sends the word that items up to", "fault: kiosk ends before it writes to the stick",
	"fault: kiosk ends inside a commit", "fault: kiosk ends when it gets a witnessed head",
	"fault: kiosk ends when it gets items", "fault: kiosk ends when it gets receipts", "fault: kiosk ends when it gets welcome",
	"fault: portal ends after it has stored decisions", "fault: portal ends after it has stored a journal's head",
	"fault: portal ends after it has stored an answer", "fault: portal ends after it has stored how far the kiosk has items",
	"fault: portal ends after it has stored records", "fault: portal ends after it has stored that the kiosk came",
	"fault: portal ends before it has stored decisions", "fault: portal ends before it has stored a journal's head",
	"fault: portal ends before it has stored an answer", "fault: portal ends before it has stored records",
	"fault: portal ends before it looks at what is undecided", "fault: portal ends before it sends a witnessed head",
	"fault: portal ends before it sends items", "fault: portal ends before it sends receipts",
	"fault: portal ends before it sends welcome", "fault: portal ends inside a commit", "fault: portal ends when it gets hello",
	"fault: portal ends when it gets its journal's head", "fault: portal ends when it gets records",
	"fault: portal ends when it gets the word that items up to",

	"state: a call of the ledger takes long", "state: a request is answered", "state: a request is refused",
	"state: a request is refused for envelope.unreadable", "state: a request is registered", "state: a request is returned",
	"state: an answer on a stick brings news", "state: an answer on a stick has a gap", "state: an answer on a stick is cut",
	"state: an answer on a stick is damaged", "state: the kiosk's alarm outbox.quarantined",
	"state: the kiosk's alarm outbox.recovered", "state: the kiosk's alarm outbox.restored", "state: the ledger is busy",
	"state: the portal's alarm journal.forked", "state: the portal's alarm journal.replaced",
	"state: the portal's alarm journal.shortened", "state: the portal's alarm kiosk.fork",
	"state: the portal's alarm portal.restored", "state: the portal's medium is full when it stores decisions",
	"state: the portal's medium is full when it stores an answer", "state: the portal's medium is full when it stores records",
	"state: a citizen is told that the kiosk is full", "state: a citizen takes a request back",
	"state: a citizen cannot take back what has gone", "state: a power cut while a paper is printed",
	"state: the word of a commit is lost", "state: a large request goes on where it was cut",

	"state: the kiosk says that it waits: full", "state: the kiosk says that it waits: quota",
	"state: the portal's alarm kiosk.quota",
	"state: the kiosk gets quota.records", "state: the kiosk gets quota.bytes", "state: the kiosk gets quota.sessions",
}

// diskMusts are those of a machine on which disks fill.
var diskMusts = []string{
	"event: the kiosk's disk", "event: the mirror's disk", "event: the portal's disk",
	"state: a citizen is told that the kiosk's disk is full", "state: a kiosk starts on a full disk",
	"state: the mirror is mirror.full", "state: the kiosk's disk is full when it notes how a print ended",
	"state: the portal does not start on a full disk", "state: the portal's alarm portal.full", "state: the kiosk gets portal.full",
	"state: the portal's disk is full when it stores a journal's head", "state: the portal's disk is full when it stores an alarm",
	"state: the portal's disk is full when it stores an answer", "state: the portal's disk is full when it stores decisions",
	"state: the portal's disk is full when it stores how far the kiosk has items",
	"state: the portal's disk is full when it stores that the kiosk came",
}

// enoughForRare are the seeds from which on also that must have happened of which
// 2,000 see one to five: a run of so many may see none.
const enoughForRare = 20_000

// rareMusts and rareDiskMusts are that.
var (
	rareMusts = []string{
		"fault: kiosk ends before it keeps a trust bundle", "fault: portal ends before it has stored a part of a large request",
		"fault: portal ends after it has stored a part of a large request",
	}
	rareDiskMusts = []string{
		"state: an outbox is not made anew on a full disk", "state: the kiosk's disk is full when it starts a print",
		"state: the kiosk's disk is full when it notes that a request is taken back",
	}
)
