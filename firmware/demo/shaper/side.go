package shaper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Side is one end of a link: a network namespace with a loopback of its own and
// one device, through which the other end is reached.
type Side struct {
	addr netip.Addr
	dev  *os.File
	ns   *os.File

	work  chan func() // runs on a thread of the namespace that lives as long
	ended chan struct{}

	mu   sync.Mutex
	runs []*exec.Cmd
}

func newSide(addr netip.Addr) (*Side, error) {
	s := &Side{addr: addr, work: make(chan func()), ended: make(chan struct{})}
	made := make(chan error)
	go func() {
		defer close(s.ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		err := s.make()
		made <- err
		if err != nil {
			return
		}
		for f := range s.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("shaper: make a namespace: %w", err)
	}
	return s, nil
}

// make gives this thread a namespace.
func (s *Side) make() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("%w: unshare: %w", ErrNotHere, err)
	}
	if s.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	if s.dev, err = openTUN(s.addr); err != nil {
		return errors.Join(err, s.ns.Close())
	}
	return nil
}

// Addr is the address of this end, as the other sees it.
func (s *Side) Addr() netip.Addr { return s.addr }

// Start starts cmd in the namespace. It dies with the namespace, or with us.
func (s *Side) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // the thread that starts it lives as long as the namespace
	started := make(chan error)
	s.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return fmt.Errorf("shaper: start %s: %w", filepath.Base(cmd.Path), err)
	}
	s.mu.Lock()
	s.runs = append(s.runs, cmd)
	s.mu.Unlock()
	return nil
}

// Set gives a setting of the namespace's network a value: "tcp_congestion_control".
func (s *Side) Set(name, value string) error {
	return s.within(func() error {
		return os.WriteFile(filepath.Join("/proc/sys/net/ipv4", name), []byte(value), 0)
	})
}

// Dial connects from the namespace. addr is IP:PORT.
func (s *Side) Dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	err = s.within(func() error {
		c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Listen listens in the namespace. addr is IP:PORT.
func (s *Side) Listen(network, addr string) (l net.Listener, err error) {
	err = s.within(func() error {
		l, err = net.Listen(network, addr)
		return err
	})
	return l, err
}

// Client makes HTTP requests from the namespace.
func (s *Side) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: s.Dial}}
}

// within runs f on a thread of its own in the namespace. What f opens stays
// there, whoever uses it.
func (s *Side) within(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked
		if err := unix.Setns(int(s.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("shaper: enter the namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// close kills what was started here and was not waited for.
func (s *Side) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range s.runs {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may just have ended
		}
	}
	close(s.work)
	<-s.ended
	return errors.Join(s.dev.Close(), s.ns.Close())
}
