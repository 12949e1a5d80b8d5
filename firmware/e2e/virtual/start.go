package virtual

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Machine is a virtual machine that is switched on.
type Machine struct {
	Console *Console

	cmd     *exec.Cmd
	control *control
	disks   []*Disk
	ends    []net.Conn
	served  sync.WaitGroup
	stderr  strings.Builder
	off     chan struct{} // closed when QEMU has ended
	stopped chan struct{} // closed when the guest can go on no more

	mu     sync.Mutex
	events []string
}

// Start switches a machine on. It is off when ctx ends, or by Cut or Close.
func Start(ctx context.Context, o Options) (*Machine, error) {
	m := &Machine{Console: newConsole(), off: make(chan struct{}), stopped: make(chan struct{})}
	if o.Card != nil {
		m.disks = append(m.disks, o.Card)
	}
	m.disks = append(m.disks, o.Disks...)
	var wires wires
	args := m.arguments(o, &wires)
	if wires.err != nil {
		wires.close()
		return nil, fmt.Errorf("start a machine: %w", wires.err)
	}
	m.cmd = exec.CommandContext(ctx, or(o.Program, "qemu-system-x86_64"), args...)
	m.cmd.ExtraFiles = wires.theirs
	m.cmd.Stderr = &m.stderr
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // it dies with the thread that starts it
		defer close(m.off)
		err := m.cmd.Start()
		started <- err
		if err == nil {
			_ = m.cmd.Wait() // killed, as a rule
		}
	}()
	err := <-started
	wires.closeTheirs()
	m.ends = wires.ours
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a machine: %w", err), m.unplug())
	}
	m.control, err = m.connect(ctx, o, wires)
	if err != nil {
		_ = m.Close()
		return nil, fmt.Errorf("start a machine: %w: %s", err, m.stderr.String())
	}
	return m, nil
}

// connect puts everything at the near ends of the wires. The order is that of
// arguments.
func (m *Machine) connect(ctx context.Context, o Options, w wires) (*control, error) {
	next := func() net.Conn {
		c := w.ours[0]
		w.ours = w.ours[1:]
		return c
	}
	qmp, console := next(), next()
	log := o.Log
	if log == nil {
		log = io.Discard
	}
	m.served.Go(func() { m.Console.read(console, log) })
	for _, d := range m.disks {
		c := next()
		m.served.Go(func() { _ = d.serve(c) }) // it ends with the machine
	}
	for _, far := range append(append([]func(io.ReadWriter){}, o.Lines...), o.USB...) {
		c := next()
		m.served.Go(func() { far(c) })
	}
	return dial(ctx, qmp, m.heard)
}

// heard takes in an event of QEMU.
func (m *Machine) heard(name string, _ json.RawMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, name)
	if name == "STOP" || name == "GUEST_PANICKED" || name == "SHUTDOWN" {
		select {
		case <-m.stopped:
		default:
			close(m.stopped)
		}
	}
}

// Events are the names of what QEMU told of the machine: RESET, SHUTDOWN, WATCHDOG.
func (m *Machine) Events() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.events...)
}

// Stopped is closed when the guest has switched the machine off, or can go on no
// more.
func (m *Machine) Stopped() <-chan struct{} { return m.stopped }

// Off is closed when the machine is off.
func (m *Machine) Off() <-chan struct{} { return m.off }

// Cut pulls the power. Of what the disks were given and not told to keep, r chooses
// what is lost; nil: all. It returns how many blocks that were.
func (m *Machine) Cut(r *rand.Rand) (lost int, err error) {
	for _, d := range m.disks {
		n, cerr := d.Cut(r)
		lost, err = lost+n, errors.Join(err, cerr)
	}
	err = errors.Join(err, m.Close())
	for _, d := range m.disks {
		d.Power()
	}
	return lost, err
}

// Close ends the machine; its disks have what was written.
func (m *Machine) Close() error {
	_ = m.cmd.Process.Kill() // it may have ended
	<-m.off
	err := m.unplug()
	m.served.Wait()
	return err
}

func (m *Machine) unplug() (err error) {
	for _, c := range m.ends {
		if cerr := c.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
			err = errors.Join(err, cerr)
		}
	}
	return err
}

// Used returns how much processor time the machine has taken so far.
func (m *Machine) Used() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name, in brackets, may hold spaces: count from behind it.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}
