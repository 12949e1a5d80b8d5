package outbox

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/penjire/penjire/sync/journal"
)

// memory is what the outbox holds of its file while it is open, so that
// finding a request touches one page and accepting one touches no index page
// on the medium. It is rebuilt at Open from the requests themselves, and
// changed only after the commit that it reflects.
type memory struct {
	epoch  Epoch
	epochs []Epoch
	slots  []slot

	// By the first eight bytes of the document, of the code's hash and of the
	// owner. Who looks something up compares the whole afterwards; two
	// documents that share eight bytes are told apart by more.
	docs   map[uint64]int32
	more   map[Doc]int32
	codes  map[uint64]int32
	owners map[uint64]int32 // the newest of an owner; older ones by slot.prev

	lanes  []lane
	states [Withdrawn + 1]int
	waits  int
	lost   int // of waits
	large  int // of waits, without the lost ones

	blobs     map[[32]byte]*blobUse // files of sealed bytes that are still needed
	blobBytes int64

	jobs   []openPrint    // queued and printing, by id
	items  map[Doc]uint64 // of documents that have no request here
	trash  []int32        // receipted, sealed bytes still there
	edge   journal.Edge   // of the journal
	cursor uint64
	alarms []string
	rev    uint64
	found  uint64 // the highest revision when the file was opened
	stored uint64 // that of the last commit that stored a value
	last   int    // bbolt's number of the commit that all this reflects

	used     int64 // bytes of pages that hold something
	fileSize int64
}

// slot is where a request is and what is asked of it most.
type slot struct {
	seq     uint64
	claimed int64
	prev    int32 // the owner's request before this one; -1: none
	epoch   uint8 // in memory.epochs
	state   State
	waits   bool
	lost    bool
	apart   bool // the sealed bytes do not stand beside the request
	large   bool // the sealed bytes stand in a file of their own
}

// openPrint is a print job that has not ended, and its request's slot.
type openPrint struct {
	id    uint64
	slot  int32
	kind  uint8
	state PrintState
}

// lane is a line of requests that wait for a receipt, the oldest first. Those
// that got theirs are dropped when somebody walks along it.
type lane struct {
	number uint8
	line   []int32
}

func newMemory() memory {
	return memory{
		docs: map[uint64]int32{}, more: map[Doc]int32{}, codes: map[uint64]int32{},
		owners: map[uint64]int32{}, items: map[Doc]uint64{}, blobs: map[[32]byte]*blobUse{},
	}
}

func short(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// epochNumber returns the epoch's number in m.epochs, a new one if need be.
func (m *memory) epochNumber(e Epoch) (uint8, bool) {
	if i := slices.Index(m.epochs, e); i >= 0 {
		return uint8(i), true
	}
	if len(m.epochs) > 255 {
		return 0, false
	}
	m.epochs = append(m.epochs, e)
	return uint8(len(m.epochs) - 1), true
}

// add takes in a request that is new to the memory.
func (m *memory) add(epoch uint8, seq uint64, r *request) {
	i := int32(len(m.slots))
	s := slot{seq: seq, claimed: r.Claimed, prev: -1, epoch: epoch, state: r.state(), waits: r.waits(), lost: r.Lost, apart: r.Size > besideMost, large: r.large()}
	if k := short(r.Doc); m.taken(k) {
		m.more[Doc(r.Doc)] = i
	} else {
		m.docs[k] = i
	}
	if len(r.CodeHash) > 0 {
		m.codes[short(r.CodeHash)] = i
	}
	if len(r.Owner) > 0 {
		k := short(r.Owner)
		if p, ok := m.owners[k]; ok {
			s.prev = p
		}
		m.owners[k] = i
	}
	m.slots = append(m.slots, s)
	m.states[s.state]++
	if s.waits {
		m.waits++
		switch {
		case s.lost:
			m.lost++
		case s.large:
			m.large++
			m.useBlob([32]byte(r.Digest), int64(r.Size), i)
		}
		if !s.lost {
			m.join(r.Lane, i)
		}
	}
	m.follow(i, r)
}

func (m *memory) taken(k uint64) bool { _, ok := m.docs[k]; return ok }

func (m *memory) join(number uint8, i int32) {
	at, ok := slices.BinarySearchFunc(m.lanes, number, func(l lane, n uint8) int { return int(l.number) - int(n) })
	if !ok {
		m.lanes = slices.Insert(m.lanes, at, lane{number: number})
	}
	m.lanes[at].line = append(m.lanes[at].line, i)
}

// set reflects a request's record after it changed.
func (m *memory) set(i int32, r *request) {
	s := &m.slots[i]
	m.states[s.state]--
	s.state = r.state()
	m.states[s.state]++
	if s.waits && !r.waits() {
		m.waits--
		switch {
		case s.lost:
			m.lost--
		case s.large:
			m.large--
		}
		s.waits = false
	}
	m.follow(i, r)
}

// follow takes in the prints of a request that are queued or printing.
func (m *memory) follow(i int32, r *request) {
	for _, kind := range [...]uint8{PrintReceipt, PrintCopy} {
		id := *r.job(kind)
		if id == 0 {
			continue
		}
		p := openPrint{id: id, slot: i, kind: kind, state: r.print(kind)}
		if at, ok := m.job(id); ok {
			m.jobs[at] = p
		} else {
			m.jobs = slices.Insert(m.jobs, at, p)
		}
	}
}

// dropJob forgets a print that ended.
func (m *memory) dropJob(id uint64) {
	if at, ok := m.job(id); ok {
		m.jobs = slices.Delete(m.jobs, at, at+1)
	}
}

// byDoc returns the slots that may be the document's.
func (m *memory) byDoc(d Doc) (int32, bool) {
	if i, ok := m.more[d]; ok {
		return i, true
	}
	i, ok := m.docs[short(d[:])]
	return i, ok
}

func (m *memory) key(i int32) (Epoch, uint64) {
	s := &m.slots[i]
	return m.epochs[s.epoch], s.seq
}

// settled says whether there is something to sweep.
func (m *memory) settled() bool {
	return slices.ContainsFunc(m.lanes, func(l lane) bool { return len(l.line) > 0 && !m.slots[l.line[0]].waits })
}

// sweep drops from the lanes what no longer waits.
func (m *memory) sweep() {
	for i := range m.lanes {
		l := &m.lanes[i]
		n := 0
		for n < len(l.line) && !m.slots[l.line[n]].waits {
			n++
		}
		l.line = l.line[n:]
		if len(l.line) == 0 {
			l.line = nil
		}
	}
}

func (m *memory) job(id uint64) (int, bool) {
	return slices.BinarySearchFunc(m.jobs, id, func(j openPrint, id uint64) int { return cmp.Compare(j.id, id) })
}

func (m *memory) alarm(code string) {
	if !slices.Contains(m.alarms, code) {
		m.alarms = append(m.alarms, code)
	}
}
