package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// How long things may take (3GPP TS 27.007 gives few limits; makers' manuals do).
const (
	shortTime   = 2 * time.Second  // what the modem knows by itself
	simTime     = 5 * time.Second  // what it has to ask its SIM for
	promptTime  = 5 * time.Second  // until a message may be given
	networkTime = 60 * time.Second // until the network has taken one
	writeTime   = time.Second
	quiet       = 200 * time.Millisecond // in which nothing late comes any more
)

// errReboot is a modem that has begun anew: under-voltage in a burst of
// transmission, or a watchdog of its own.
var errReboot = fmt.Errorf("modem has restarted: %w", device.ErrProtocol)

// refusal is an error that the modem answered with. It holds no text of ours.
type refusal struct{ code string }

func (r refusal) Error() string { return "modem answers " + r.code }
func (r refusal) Unwrap() error { return device.ErrProtocol }

// port is one open line to a modem. One goroutine reads; the owner commands.
type port struct {
	line  link.Line
	lines chan string // answers, not what came unasked
	dead  chan struct{}
	dirty bool       // a command had no answer; of the owner
	over  error      // why it is not used any more; of the owner
	news  link.Watch // woken by messages that came, restarts and the end

	mu     sync.Mutex
	err    error // why reading ended
	reboot bool
}

func newPort(l link.Line) *port {
	return &port{line: l, lines: make(chan string, 256), dead: make(chan struct{})}
}

// read runs until the line fails.
func (p *port) read() {
	defer p.news.Wake()
	defer close(p.dead)
	var s Splitter
	buf := make([]byte, 512)
	for {
		n, err := p.line.Read(buf)
		s.Push(buf[:n])
		for l, ok := s.Next(); ok; l, ok = s.Next() {
			p.hear(l)
		}
		if err != nil {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
			return
		}
	}
}

// hear sorts a line: what came unasked must not be taken for an answer.
func (p *port) hear(l string) {
	mail, reboot := strings.HasPrefix(l, "+CMTI:"), begins(l, rebooted)
	if mail || reboot {
		p.mu.Lock()
		p.reboot = p.reboot || reboot
		p.mu.Unlock()
		p.news.Wake()
	}
	if reboot || begins(l, unasked) {
		return
	}
	for {
		select {
		case p.lines <- l:
			return
		default:
		}
		select { // nobody listens: the oldest is the least wanted
		case <-p.lines:
		default:
		}
	}
}

// restarted says whether the modem has begun anew since the last call.
func (p *port) restarted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.reboot
	p.reboot = false
	return r
}

func (p *port) write(b string) error {
	if err := p.line.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := p.line.Write([]byte(b))
	return err
}

// command sends AT and c, and returns the lines of its answer that begin with name;
// with name "" it has none. With name ">" the prompt ends it, and nothing else.
func (p *port) command(ctx context.Context, limit time.Duration, c, name string) ([]string, error) {
	if p.dirty {
		if err := p.calm(); err != nil {
			return nil, err
		}
	}
	for len(p.lines) > 0 {
		<-p.lines
	}
	if p.restarted() {
		return nil, errReboot
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := p.write("AT" + c + "\r"); err != nil {
		return nil, err
	}
	a, err := p.answer(ctx, limit, name)
	var r refusal
	p.dirty = err != nil && !errors.As(err, &r)
	return a, err
}

// calm ends what a command without an answer may have left: a modem that waits for a
// text forgets it (ESC), and what comes late is let go by.
func (p *port) calm() error {
	if err := p.write("\x1b"); err != nil {
		return err
	}
	t := time.NewTimer(quiet)
	defer t.Stop()
	for range cap(p.lines) {
		select {
		case <-p.lines:
			t.Reset(quiet)
		case <-t.C:
			p.dirty = false
			return nil
		case <-p.dead:
			return p.err
		}
	}
	return fmt.Errorf("modem does not stop talking: %w", device.ErrProtocol)
}

// listed is the one answer that may be empty: no messages.
const listed = "+CMGL:"

// answer waits for the end of an answer. OK alone does not end one that has to have a
// line: it is late, and belongs to a command that nobody waits for any more.
func (p *port) answer(ctx context.Context, limit time.Duration, name string) ([]string, error) {
	t := time.NewTimer(limit)
	defer t.Stop()
	var out []string
	for {
		news := p.news.Next()
		if p.restarted() {
			return nil, errReboot
		}
		select {
		case l := <-p.lines:
			switch {
			case l == "OK" && (len(out) > 0 || name == "" || name == listed), l == ">" && name == ">":
				return out, nil
			case l == "ERROR":
				return nil, refusal{l}
			case strings.HasPrefix(l, "+CME ERROR:"), strings.HasPrefix(l, "+CMS ERROR:"):
				return nil, refusal{code(l)}
			case name != "" && strings.HasPrefix(l, name):
				out = append(out, l)
			case name == listed && len(out)%2 == 1 && isHex(l):
				out = append(out, l) // the message that the line before announced
			}
		case <-news:
		case <-t.C:
			return nil, device.ErrTimeout
		case <-p.dead:
			p.mu.Lock()
			defer p.mu.Unlock()
			return nil, p.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// code returns the name and number of an error, and nothing that a modem in verbose
// mode may have put there besides.
func code(l string) string {
	name, rest, _ := strings.Cut(l, ":")
	rest = strings.TrimSpace(rest)
	if len(rest) > 4 || strings.Trim(rest, "0123456789") != "" {
		return name
	}
	return name + ": " + rest
}

func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// wake gets an answer from a modem in any state: one that was left waiting for the
// text of a message forgets it (ESC), one that guesses the speed gets a few tries.
func (p *port) wake(ctx context.Context) error {
	var err error
	for range 5 {
		if err = p.calm(); err != nil {
			return err
		}
		p.restarted()
		if _, err = p.command(ctx, 300*time.Millisecond, "", ""); err == nil || !errors.Is(err, device.ErrTimeout) && !errors.Is(err, device.ErrProtocol) {
			return err
		}
	}
	return err
}
