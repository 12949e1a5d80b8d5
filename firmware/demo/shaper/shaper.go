// Package shaper is a bad network at the level of IP: two network namespaces
// that only a link of one's own making joins. Programs run in them unchanged, with
// the kernel's own TCP, and every packet between them passes through here, where
// it takes its turn, waits, is lost, comes twice, is held up by a cut, and is
// counted.
//
// It is for tests and measurements on Linux, and takes root. Package wan is the
// one for demonstrations: it works on connections, anywhere, and counts payload.
package shaper

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// ErrNotHere is that this machine or this user cannot make such a link.
var ErrNotHere = errors.New("no namespaces of our own here")

// Shape is how one way of a link is. The zero value loses nothing and costs no
// time.
type Shape struct {
	Rate      int64         // bits per second; 0: as fast as it comes
	Delay     time.Duration // until a packet's last bit is at the other end
	Jitter    time.Duration // at most, on top; packets keep their order
	Loss      float64       // share of packets that are lost on the way: they took their time
	Duplicate float64       // share of packets that come twice
	Queue     int           // bytes that may wait for their turn; 0 is DefaultQueue
}

// DefaultQueue is what a modem holds that nobody tuned: two seconds at 64 kbit/s.
const DefaultQueue = 16 << 10

// Cut is a time without a link: what is under way is lost.
type Cut struct {
	At, For time.Duration // from the start of the link
}

// Config is what a link is made of.
type Config struct {
	Up, Down Shape // from near to far, and back
	Cuts     []Cut // rising, apart from each other
	Seed     uint64
}

// Count is what went one way. Bytes are those of IP packets, with their headers.
type Count struct {
	Packets, Bytes int64 // that took their turn on the link, lost ones too
	Lost           int64 // packets, on the way
	Dropped        int64 // packets: there was no room to wait, or no link
	Twice          int64 // packets
}

// Link is two namespaces and what is between them.
type Link struct {
	near, far *Side
	up, down  *way
	close     func() error // once
}

// The addresses of the two ends.
var (
	nearAddr = netip.MustParseAddr("10.77.0.1")
	farAddr  = netip.MustParseAddr("10.77.0.2")
)

// New makes the namespaces and joins them. An error that is ErrNotHere says that
// it cannot be done here at all.
func New(c Config) (*Link, error) {
	near, err := newSide(nearAddr)
	if err != nil {
		return nil, err
	}
	far, err := newSide(farAddr)
	if err != nil {
		return nil, errors.Join(err, near.close())
	}
	began := time.Now()
	l := &Link{
		near: near, far: far,
		up:   &way{shape: c.Up, cuts: c.Cuts, began: began, rng: rand.New(rand.NewPCG(c.Seed, 1))},
		down: &way{shape: c.Down, cuts: c.Cuts, began: began, rng: rand.New(rand.NewPCG(c.Seed, 2))},
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.up.carry(near.dev, far.dev) })
	wg.Go(func() { l.down.carry(far.dev, near.dev) })
	l.close = sync.OnceValue(func() error {
		err := errors.Join(near.close(), far.close()) // closing the devices ends both ways
		wg.Wait()
		return err
	})
	return l, nil
}

// Near is the end of whoever connects: the kiosk's.
func (l *Link) Near() *Side { return l.near }

// Far is the other end: the portal's.
func (l *Link) Far() *Side { return l.far }

// Set changes the link from the next packet on.
func (l *Link) Set(up, down Shape) {
	l.up.set(up)
	l.down.set(down)
}

// Down takes the link away, or gives it back, besides the cuts of Config.
func (l *Link) Down(down bool) {
	l.up.hold(down)
	l.down.hold(down)
}

// Counts returns what went up and down so far.
func (l *Link) Counts() (up, down Count) { return l.up.counts(), l.down.counts() }

// Close kills what still runs in the namespaces and takes them away.
func (l *Link) Close() error {
	if err := l.close(); err != nil {
		return fmt.Errorf("shaper: close: %w", err)
	}
	return nil
}

// Cuts returns cuts by a seed, over a time: about one in every, each up to most
// long.
func Cuts(seed uint64, over, every, most time.Duration) []Cut {
	r := rand.New(rand.NewPCG(seed, 3))
	var out []Cut
	for at := every/2 + part(r, every); at < over; {
		c := Cut{at, part(r, most)}
		out = append(out, c)
		at += c.For + every/2 + part(r, every)
	}
	return out
}

// part returns a random part of d.
func part(r *rand.Rand, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(d)))
}
