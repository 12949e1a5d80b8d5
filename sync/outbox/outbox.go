// Package outbox keeps what the kiosk accepted until the portal has it, and
// remembers what became of it.
//
// One bbolt file holds requests, their states, their print jobs, what came
// down for them, and the Merkle journal that speaks of all this; whatever
// belongs together becomes durable in one commit. The form of the file and the
// rules are sync/spec/outbox.md.
//
// It is not a transport: sync/uplink leases records from it and hands it the
// portal's receipts after verifying them. It knows no one: what it keeps in
// the clear is digests, pseudonyms, states and times; the rest is sealed
// before it gets here.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// Sentinel errors, for callers that branch.
var (
	// ErrFull: there is no room for a new request; what is kept for receipts
	// and answers is still there. Nothing was stored.
	ErrFull = errors.New("outbox is full")
	// ErrTooLarge: one value is larger than the outbox takes. Nothing was stored.
	ErrTooLarge = errors.New("too large for the outbox")
	// ErrNotFound: there is no such request, item or job.
	ErrNotFound = errors.New("not in the outbox")
	// ErrSent: the request left once and cannot be recalled.
	ErrSent = errors.New("already sent")
	// ErrWithdrawn: the request was withdrawn.
	ErrWithdrawn = errors.New("withdrawn")
	// ErrMarked: it may have been printed before; only a marked copy may be.
	ErrMarked = errors.New("only a marked copy may be printed")
	// ErrPrintState: the print job is not in the state this step starts from.
	ErrPrintState = errors.New("print job is in another state")
	// ErrMismatch: what was handed in names the same document but contradicts
	// what is stored.
	ErrMismatch = errors.New("contradicts what is stored")
	// ErrDamaged: a stored value does not verify. Open sets such a file aside.
	ErrDamaged = errors.New("stored value is damaged")
	// ErrRestored: the file is an older copy of itself, and takes nothing new
	// (Renounce).
	ErrRestored = errors.New("the outbox is an older copy of itself")
	// ErrLocked: another process has the outbox open.
	ErrLocked = errors.New("outbox is in use by another process")
	// ErrClosed: the outbox was closed.
	ErrClosed = errors.New("outbox is closed")
)

// Options are what an outbox is opened with.
type Options struct {
	// Kiosk is the kiosk's id, for example "K-000001"; it is part of the
	// journal's origin. Required; printable ASCII without space, plus and slash.
	Kiosk string
	// Boot names this start of the machine in journal entries. May be empty.
	Boot string
	// Version is the software's version, for the boot entry. May be empty.
	Version string
	// MaxSize limits the file, in bytes; 0 is 256 MiB.
	MaxSize int64
	// MaxBlobs limits the sealed bytes of large requests, which stand in files of
	// their own; 0 is 1 GiB. Room on the disk limits them too.
	MaxBlobs int64
	// Now is the kiosk's clock; nil is time.Now. Its time is recorded and
	// never decides anything.
	Now func() time.Time
	// CheckCommand is run before the file is opened, with the file's path
	// added as its last argument, and exits with what CheckMain returns: some
	// faults of a damaged file kill the process that looks at it. Nil checks
	// in this process, where such a fault cannot be survived.
	CheckCommand []string
	// Mirror is a folder on a second medium where a copy of all values is kept;
	// empty: none. It is never made: where it is not, the medium is not there,
	// and may come back at any time.
	Mirror string
	// MirrorWait is how long Accept waits, at most, until the request is on the
	// mirror too; 0 is DefaultMirrorWait, below 0 is not at all. A mirror that
	// is not good is not waited for.
	MirrorWait time.Duration

	medium medium // of tests
}

// Outbox is the durable queue of one kiosk.
//
// Contract:
//   - What writes returns after its commit is on disk; it never waits for a
//     network. Concurrent writers share commits.
//   - A cancelled context gives up the waiting, not the write: the write may
//     still become durable.
//   - An accepted request is leased again and again until a receipt names it.
//     Nothing else removes its sealed bytes, but Withdraw before it left.
//   - A file that is found damaged while it is open is opened again, once a
//     minute at most, as Open does: writes wait for it, the alarm stays.
//   - All methods may be called from several goroutines.
type Outbox struct {
	path  string
	o     Options
	lock  *os.File
	files sync.RWMutex // read-locked while db is read, locked while it is replaced
	db    *bolt.DB     // nil: could not be opened again
	ahead ahead        // the writer's
	w     writer

	mirror *mirror // nil: none

	mu   sync.RWMutex // guards what is below; held only for memory, never over a commit
	mem  memory
	subs []chan struct{}
	// Large requests: files that Stage made, what they and those under way take,
	// and files that were compared with their digest since Open.
	staged                map[[32]byte]int
	stagedBytes, reserved int64
	proved                map[[32]byte]bool
	taps                  []*tap
	once                  sync.Once
	end                   error // of Close
}

// MinSize and DefaultSize are the least and the usual Options.MaxSize.
const (
	MinSize     = 2 << 20
	DefaultSize = 256 << 20
	// DefaultBlobs is the usual Options.MaxBlobs.
	DefaultBlobs = 1 << 30
)

// Open opens the outbox in dir and creates both if they are not there.
//
// A file that does not pass the check is set aside under another name, what
// can be saved of it is carried into a new file with a new epoch, and an alarm
// is raised; nothing is deleted. Print jobs found printing become Unknown. A
// boot entry is added to the journal. All this is in the first commit that finds
// room on the disk, before anything else.
func Open(ctx context.Context, dir string, o Options) (*Outbox, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("outbox: make the folder: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	out := &Outbox{
		path: filepath.Join(dir, fileName), o: o, lock: lock,
		staged: map[[32]byte]int{}, proved: map[[32]byte]bool{},
	}
	if err := out.open(ctx); err != nil {
		return nil, errors.Join(err, out.shut())
	}
	if err := out.removeOrphans(); err != nil {
		return nil, errors.Join(err, out.shut())
	}
	if err := out.markUsed(); err != nil {
		return nil, errors.Join(err, out.shut())
	}
	out.startWriter()
	if err := out.begin(ctx); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	out.startMirror()
	return out, nil
}

func (o *Options) fill() error {
	if !goodKiosk(o.Kiosk) {
		return fmt.Errorf("outbox: Options.Kiosk = %q, want 1 to %d printable characters without space, plus and slash", o.Kiosk, maxKiosk)
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultSize
	}
	if o.MaxSize < MinSize || int64(int(o.MaxSize)) != o.MaxSize {
		return fmt.Errorf("outbox: Options.MaxSize = %d, want 0 or at least %d", o.MaxSize, MinSize)
	}
	if o.MaxBlobs == 0 {
		o.MaxBlobs = DefaultBlobs
	}
	if o.MaxBlobs < 0 {
		return fmt.Errorf("outbox: Options.MaxBlobs = %d, want 0 or more", o.MaxBlobs)
	}
	if o.MirrorWait == 0 {
		o.MirrorWait = DefaultMirrorWait
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// begin has the first commit made, and removes what is no longer needed. Where the
// disk is full the outbox opens all the same: what is in it can be shown, and the
// first commit that finds room begins (OB-ROM-4).
func (o *Outbox) begin(ctx context.Context) error {
	err := o.write(ctx, func(*tx) error { return nil })
	if errors.Is(err, ErrFull) {
		return nil
	}
	if err != nil {
		return err
	}
	return o.tidy(ctx)
}

// begin writes what every start writes: that the journal goes on, and how
// prints that were under way ended.
func (t *tx) begin() error {
	if _, err := t.append(journal.Entry{Kind: journal.Boot, Fields: journal.Fields{Reason: t.o.o.Version}}); err != nil {
		return err
	}
	return t.interrupted()
}

// Close waits for the writes under way and closes the file. Closing again
// returns what the first Close returned.
func (o *Outbox) Close() error {
	o.once.Do(func() {
		close(o.w.quit)
		<-o.w.ended
		if o.mirror != nil {
			o.mirror.close()
		}
		o.end = o.shut()
	})
	return o.end
}

func (o *Outbox) shut() error {
	var err error
	if o.db != nil && !o.w.stuck.Load() {
		if err = o.db.Close(); err != nil {
			err = fmt.Errorf("outbox: close %s: %w", o.path, err)
		}
	}
	err = errors.Join(err, o.ahead.close())
	if e := o.lock.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("outbox: unlock: %w", e))
	}
	return err
}
