package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/enrol"
)

// Boards of the cabinet: the first has its certificates from the world's making, the
// new one is as `penjire flash` leaves it.
const (
	boardFirst = "first"
	boardNew   = "new"
)

func (b *Bench) boardName() string {
	if b.board.Load().IsFresh() {
		return boardNew
	}
	return boardFirst
}

// putIn prepares the board of w for the bench's addresses. The next start starts it.
func (b *Bench) putIn(w *demo.World) error {
	_, port, err := net.SplitHostPort(b.own)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	write := w.WriteSettings
	if w.IsFresh() {
		write = w.WriteSetup
	}
	err = write(demo.Addresses{
		Screen: b.screen, Sync: b.relay.Addr(), EST: b.est.Addr(), Public: "http://" + b.public,
		Frames: "http://" + b.own + " http://localhost:" + port,
	})
	if err == nil {
		b.board.Store(w)
	}
	return err
}

// boardArgs are the arguments of penjired.
func (b *Bench) boardArgs() []string {
	w := b.board.Load()
	args := []string{"-settings", w.Settings()}
	if w.IsFresh() {
		args = append(args, "-board", "bench")
	}
	return args
}

// boardEnv keeps a new board's first start away from the machine's own network.
func (b *Bench) boardEnv() []string {
	if b.board.Load().IsFresh() {
		return []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent/penjire-bench"}
	}
	return nil
}

// lookAgain is how often a new board is asked whether it waits for a code.
const lookAgain = 100 * time.Millisecond

// ready waits until a program is ready. A new board is when it serves, or when it says
// what its enrolment lacks.
func (b *Bench) ready(ctx context.Context, p *process) error {
	if p != b.kiosk || !b.board.Load().IsFresh() {
		return p.wait(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.wait(ctx) }()
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-t.C:
			if ask(ctx, b.control, "http://kiosk/enrol") != nil {
				return nil
			}
		}
	}
}

func (b *Bench) postKiosk(ctx context.Context, o struct {
	Board string `json:"board"`
},
) error {
	to := b.world
	switch o.Board {
	case boardFirst:
	case boardNew:
		to = b.world.Fresh()
	default:
		return badRequest{fmt.Errorf("board: got %q, want first or new", o.Board)}
	}
	b.swap.Lock()
	defer b.swap.Unlock()
	if err := b.kiosk.stop(5 * time.Second); err != nil {
		return err
	}
	if err := b.putIn(to); err != nil {
		return err
	}
	if err := b.kiosk.start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return b.ready(ctx, b.kiosk)
}

// postCode is the operator's part.
func (b *Bench) postCode(ctx context.Context, _ struct{}) error {
	cmd := exec.CommandContext(ctx, b.portal.path, "code", "-dir", b.world.Portal(), "-by", "bench", demo.NewKiosk)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("make a code: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	code := strings.TrimSpace(string(out))
	b.code.Store(&code)
	return nil
}

// postEnrol is the technician's part, where the kiosk's own screen is not at hand.
func (b *Bench) postEnrol(ctx context.Context, o struct {
	Code string `json:"code"`
},
) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kiosk/enrol/code", strings.NewReader(url.Values{"code": {o.Code}}.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.control.Do(r)
	if err != nil {
		return fmt.Errorf("the kiosk does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	var d enrol.Done
	switch err := json.NewDecoder(io.LimitReader(res.Body, limit)).Decode(&d); {
	case err != nil:
		return fmt.Errorf("the kiosk's answer: %w", err)
	case d.Error != "":
		return errors.New(d.Error)
	}
	return nil
}
