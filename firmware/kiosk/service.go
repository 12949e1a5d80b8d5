package kiosk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/service"
	"github.com/penjire/penjire/sync/stick"
)

// Service tickets (package service): what a technician may do on a kiosk comes
// signed, on a memory stick, and is done once. It is taken where the assistant has
// everything written to the stick, and by POST /service?folder=… on the control socket.

const (
	// usedFile has the identities of tickets that were used, in hex, one a line.
	usedFile = "service.used"
	// verboseFile has the time until which more is logged.
	verboseFile = "service.verbose"
)

// Why a ticket does nothing, besides what package service says.
var (
	errUsed   = errors.New("the ticket was used before: ask the operator for another")
	errUnsent = errors.New("there are requests that the portal has not confirmed: send them first")
	errBusy   = errors.New("somebody is at the kiosk: end the visit first")
	errLevel  = errors.New("this kiosk's log has one level")
)

// What became of a ticket: completes assist.service.
const (
	ServiceNone    = "" // there is none on the stick
	ServiceBad     = "bad"
	ServiceOther   = "other"
	ServiceEnded   = "ended"
	ServiceEarly   = "early"
	ServiceUsed    = "used"
	ServiceUnsent  = "unsent"
	ServiceBusy    = "busy"
	ServiceFailed  = "failed"
	ServiceSupport = "support" // done, as are those below
	ServiceVerbose = "verbose"
	ServiceLeave   = "decommission"
)

func serviceCode(err error) string {
	for code, why := range map[string]error{
		ServiceOther: service.ErrOther, ServiceEnded: service.ErrEnded, ServiceEarly: service.ErrEarly,
		ServiceUsed: errUsed, ServiceUnsent: errUnsent, ServiceBusy: errBusy,
	} {
		if errors.Is(err, why) {
			return code
		}
	}
	if errors.Is(err, service.ErrNoTicket) || errors.Is(err, service.ErrSigner) {
		return ServiceBad
	}
	return ServiceFailed
}

// serve does what the ticket on the stick allows, if there is one, and says what
// became of it. What it allows is safe to do twice; the ticket counts as used once
// it is done. k.sticks is held; visit is whose visit asks for it, nil: nobody's.
//
// The journal has it before it is done.
func (k *Kiosk) serve(ctx context.Context, dir *stick.Folder, v *visit) (code string, err error) {
	if !dir.Has(service.FileName) {
		return ServiceNone, nil
	}
	defer func() {
		if err != nil {
			code = serviceCode(err)
			k.log.Warn("a service ticket", "code", code, "err", err)
		}
	}()
	signed, err := readTicket(filepath.Join(dir.Path(), service.FileName))
	if err != nil {
		return "", err
	}
	t, err := service.Open(signed, k.know.trust(), k.s.Kiosk, k.clock.Now())
	if err != nil {
		return "", err
	}
	used, err := os.ReadFile(filepath.Join(k.s.State, usedFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("kiosk: look for used tickets: %w", err)
	}
	id := hex.EncodeToString(t.ID[:])
	if bytes.Contains(used, []byte(id)) {
		return "", errUsed
	}
	if t.Action == service.Decommission {
		return ServiceLeave, k.decommission(ctx, dir, t, signed, v)
	}
	if err := k.witnessService(ctx, t, signed); err != nil {
		return "", err
	}
	switch t.Action {
	case service.Support:
		code, err = ServiceSupport, k.supportTo(ctx, dir)
	case service.Verbose:
		code, err = ServiceVerbose, k.verboseUntil(k.clock.Now().Add(t.For))
	}
	if err != nil {
		return "", err
	}
	k.log.Info("service", "action", t.Action.String())
	return code, durable.WriteFile(filepath.Join(k.s.State, usedFile), append(used, id+"\n"...), 0o600)
}

// serviceFrom does what the ticket on the stick allows, for whoever asks on the
// control socket.
func (k *Kiosk) serviceFrom(ctx context.Context, dir *stick.Folder, _ func(StickLine)) (sum StickLine, err error) {
	sum.Service, err = k.serve(ctx, dir, nil)
	return sum, err
}

func readTicket(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("kiosk: read a service ticket: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, service.MaxTicket+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("kiosk: read a service ticket: %w", err)
	}
	return b, nil
}

// witnessService puts into the journal, durably, what is about to be done.
func (k *Kiosk) witnessService(ctx context.Context, t service.Ticket, signed []byte) error {
	sum := sha256.Sum256(signed)
	_, err := k.box.Append(ctx, journal.Entry{Kind: journal.Service, Fields: journal.Fields{Reason: t.Action.String(), Digest: sum[:]}})
	if err != nil {
		return fmt.Errorf("kiosk: journal a service ticket: %w", err)
	}
	return nil
}

// verboseUntil has the kiosk log more, over restarts too.
func (k *Kiosk) verboseUntil(end time.Time) error {
	if k.level == nil {
		return errLevel
	}
	if err := durable.WriteFile(filepath.Join(k.s.State, verboseFile), []byte(end.UTC().Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return err
	}
	k.level.Set(slog.LevelDebug)
	k.set(health.Verbose, true)
	return nil
}

// tendLevel has the log at the level that is due: what was ordered ends by itself. A
// file that cannot be read, or that asks for more than a ticket can, ends it at once.
func (k *Kiosk) tendLevel() {
	if k.level == nil {
		return
	}
	path := filepath.Join(k.s.State, verboseFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		k.level.Set(k.usualLevel())
		return
	}
	end, perr := time.Parse(time.RFC3339, strings.TrimSpace(string(b)))
	left := end.Sub(k.clock.Now())
	if err == nil && perr == nil && left > 0 && left <= service.MostVerbose {
		k.level.Set(slog.LevelDebug)
		k.set(health.Verbose, true)
		return
	}
	if err := os.Remove(path); err != nil {
		k.log.Warn("the file of the log's level could not be removed", "err", err)
	}
	k.level.Set(k.usualLevel())
	k.set(health.Verbose, false)
}
