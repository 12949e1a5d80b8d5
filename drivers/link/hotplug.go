package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"golang.org/x/sys/unix"
)

// Hotplug hears from the kernel itself that devices come and go; no udev is
// needed, and no rights. Inside a container the kernel may say nothing, without
// an error: hot-plug makes things fast and nothing may depend on it.
type Hotplug struct {
	f   *os.File
	buf []byte
}

// kernelGroup is the multicast group that the kernel speaks in; udev repeats
// what it has heard in group 2.
const kernelGroup = 1

// Listen starts listening.
func Listen() (*Hotplug, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("link: listen for plugs: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup}); err != nil {
		return nil, errors.Join(fmt.Errorf("link: listen for plugs: %w", err), unix.Close(fd))
	}
	return &Hotplug{f: os.NewFile(uintptr(fd), "uevents"), buf: make([]byte, 16<<10)}, nil
}

// ErrMissed is what Next returns when there were more messages than it could
// hold: anything may have come or gone.
var ErrMissed = errors.New("link: some plugs were missed")

// Next blocks for the next message. It fails with [ErrMissed], after which it can
// be called again, or with [device.ErrUnplugged] when closed.
func (h *Hotplug) Next() (Uevent, error) {
	c, err := h.f.SyscallConn()
	if err != nil {
		return Uevent{}, fmt.Errorf("link: listen for plugs: %w", gone(err))
	}
	for {
		var n int
		var from unix.Sockaddr
		var in error
		err := c.Read(func(fd uintptr) bool {
			n, from, in = unix.Recvfrom(int(fd), h.buf, unix.MSG_DONTWAIT)
			return !errors.Is(in, unix.EAGAIN)
		})
		if err == nil {
			err = in
		}
		switch {
		case errors.Is(err, unix.ENOBUFS):
			return Uevent{}, ErrMissed
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return Uevent{}, fmt.Errorf("link: listen for plugs: %w: %w", device.ErrUnplugged, err)
		}
		// Any program may write to us; the kernel's number is zero.
		if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
			continue
		}
		if u, err := ParseUevent(h.buf[:n]); err == nil {
			return u, nil
		}
	}
}

// Close ends a Next under way.
func (h *Hotplug) Close() error { return h.f.Close() }

// plugs is the one listener of this process, there as long as anyone waits.
var plugs plugHub

type plugHub struct {
	mu    sync.Mutex
	users int
	h     *Hotplug
	ended chan struct{}
	watch Watch // woken when a device file came
}

// join makes plugs hear, and returns what ends that. Where the kernel cannot be
// heard, nothing ever wakes watch.
func (p *plugHub) join() (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users++; p.users == 1 {
		if h, err := Listen(); err == nil {
			p.h, p.ended = h, make(chan struct{})
			go p.hear(h, p.ended)
		}
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.users--; p.users == 0 && p.h != nil {
			_ = p.h.Close() // a socket that only listens loses nothing
			<-p.ended
			p.h = nil
		}
	})
}

func (p *plugHub) hear(h *Hotplug, ended chan<- struct{}) {
	defer close(ended)
	for {
		u, err := h.Next()
		switch {
		case errors.Is(err, ErrMissed) || err == nil && u.Action == "add" && u.Node != "":
			p.watch.Wake()
		case err != nil:
			return
		}
	}
}

// Times of [Reopen].
const (
	settle      = time.Second           // how long after a plug names and rights may still change
	settleEvery = 50 * time.Millisecond // between tries meanwhile
)

// Reopen is the pause between two tries to open a port: as long as it was made
// for, or less when something was plugged in. A port whose device the kernel
// announces is then tried again at once, and often for a second, since names and
// rights are given to a device file after it is there. Other ports are tried when
// the time has come.
type Reopen struct {
	every time.Duration
	leave func()
	watch *Watch
	news  <-chan struct{} // closed when something was plugged in since the last pause
	until time.Time       // tries come often until then
}

// announced is a port whose device the kernel announces.
type announced interface{ announced() }

func (Serial) announced() {}
func (USBLP) announced()  {}

// NewReopen returns the pause of a driver that tries p every so often. It must be
// closed.
func NewReopen(p Port, every time.Duration) *Reopen {
	r := &Reopen{every: every, leave: func() {}, watch: new(Watch)}
	if _, ok := p.(announced); ok {
		r.leave, r.watch = plugs.join(), &plugs.watch
	}
	r.news = r.watch.Next()
	return r
}

// Wait returns when it is time to try again, or ctx ends. What is plugged in
// while the driver tries is not missed.
func (r *Reopen) Wait(ctx context.Context) {
	pause := r.every
	if time.Now().Before(r.until) {
		pause = min(pause, settleEvery)
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-r.news:
		r.news = r.watch.Next()
		r.until = time.Now().Add(settle)
	}
}

// Close stops listening.
func (r *Reopen) Close() { r.leave() }
