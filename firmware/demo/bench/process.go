package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a child: portald or penjired.
//
// It dies with the bench, however the bench dies: the kernel kills it when the
// thread that started it ends (PR_SET_PDEATHSIG), and that thread is one that
// lives as long as the bench.
type process struct {
	name string
	path string
	args func() []string
	env  func() []string // besides the bench's own; nil: nothing
	log  io.Writer       // the child's output, and what became of it
	wake func()          // something changed

	mu    sync.Mutex
	cmd   *exec.Cmd
	said  map[string]any // the JSON line it printed when ready
	ready chan struct{}  // closed with said
	done  chan struct{}  // closed when it has ended
	since time.Time
	exit  string // how it ended; "" while it runs or was never started
}

// processState is how a child is, for /api/state.
type processState struct {
	Running bool      `json:"running"`
	PID     int       `json:"pid,omitempty"`
	Since   time.Time `json:"since"`
	Exit    string    `json:"exit,omitempty"`
}

// starter runs functions on one operating-system thread that never ends.
var starter = sync.OnceValue(func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

var errRunning = errors.New("it is running already")

// start starts the child and returns without waiting for it to be ready.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return fmt.Errorf("bench: start %s: %w", p.name, errRunning)
	}
	cmd := exec.Command(p.path, p.args()...)
	// A group of its own: Ctrl-C in the terminal reaches the bench alone, which
	// then ends its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = p.log
	if p.env != nil {
		cmd.Env = append(os.Environ(), p.env()...)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("bench: start %s: %w", p.name, err)
	}
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return fmt.Errorf("bench: start %s: %w", p.name, err)
	}
	p.cmd, p.said, p.exit, p.since = cmd, nil, "", time.Now()
	p.ready, p.done = make(chan struct{}), make(chan struct{})
	go p.follow(cmd, out, p.done)
	return nil
}

// follow reads what the child prints, and waits for its end.
func (p *process) follow(cmd *exec.Cmd, out io.Reader, done chan struct{}) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var said map[string]any
		if json.Unmarshal(lines.Bytes(), &said) == nil && p.announced(said) {
			continue
		}
		_, _ = fmt.Fprintf(p.log, "%s\n", lines.Bytes())
	}
	_, _ = io.Copy(p.log, out) // a line too long for a line
	err := cmd.Wait()
	exit := "ended"
	if err != nil {
		exit = err.Error()
	}
	_, _ = fmt.Fprintf(p.log, "bench: %s: %s\n", p.name, exit)
	p.mu.Lock()
	p.cmd, p.exit, p.since = nil, exit, time.Now()
	p.mu.Unlock()
	close(done)
	p.wake()
}

// announced takes the child's first JSON line as its word that it is ready.
func (p *process) announced(said map[string]any) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said != nil {
		return false
	}
	p.said = said
	close(p.ready)
	go p.wake()
	return true
}

// wait waits until the child says it is ready.
func (p *process) wait(ctx context.Context) error {
	p.mu.Lock()
	ready, done := p.ready, p.done
	p.mu.Unlock()
	if ready == nil {
		return fmt.Errorf("bench: %s was not started", p.name)
	}
	select {
	case <-ready:
		return nil
	case <-done:
		return fmt.Errorf("bench: %s ended before it was ready: %s", p.name, p.state().Exit)
	case <-ctx.Done():
		return fmt.Errorf("bench: wait for %s: %w", p.name, ctx.Err())
	}
}

// word returns a text of the child's announcement; "" if it is not running.
func (p *process) word(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return ""
	}
	s, _ := p.said[key].(string)
	return s
}

func (p *process) state() processState {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := processState{Running: p.cmd != nil, Since: p.since, Exit: p.exit}
	if p.cmd != nil {
		s.PID = p.cmd.Process.Pid
	}
	return s
}

// cut ends the child as a power cut does: nothing of it runs another step. It
// returns when the child is gone.
func (p *process) cut() error { return p.end(syscall.SIGKILL, 0) }

// stop asks the child to end, and cuts it when it does not within patience.
func (p *process) stop(patience time.Duration) error { return p.end(syscall.SIGTERM, patience) }

func (p *process) end(sig syscall.Signal, patience time.Duration) error {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd == nil {
		return nil
	}
	// The whole group: a child of the child must not stay behind.
	err := syscall.Kill(-cmd.Process.Pid, sig)
	if sig != syscall.SIGKILL {
		select {
		case <-done:
			return nil
		case <-time.After(patience):
		}
		err = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	select {
	case <-done:
		return nil
	case <-time.After(5 * time.Second):
		return fmt.Errorf("bench: end %s: it does not end (%w)", p.name, errors.Join(err, os.ErrDeadlineExceeded))
	}
}
