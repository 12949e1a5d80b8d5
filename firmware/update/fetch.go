package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// Stream is the rest of a bundle.
type Stream interface {
	io.ReadCloser
}

// errSpoiled is bytes that are not those described.
var errSpoiled = errors.New("update: what came is not the bundle described")

// errDiffers is such bytes where some of them were taken from the bundle of before.
var errDiffers = errors.New("update: the difference")

var errNoPortal = errors.New("update: there is no portal to fetch from")

// errKeep is a disk of the kiosk that does not take what came.
var errKeep = errors.New("the disk does not take it")

// fetch gets the bundle beside everything else, if that is not under way.
func (u *Updater) fetch(ctx context.Context) {
	if u.fetching != nil {
		select {
		case <-u.fetched:
		default:
			return
		}
	}
	ctx, u.fetching = context.WithCancel(ctx)
	u.fetched = make(chan struct{})
	done := u.fetched
	path := u.state().Path
	u.tasks.Go(func() {
		e := u.fetchOnce(ctx, path)
		if _, cut := e.(Cut); cut && path == "" {
			select { // the link is not asked all the time
			case <-ctx.Done():
			case <-time.After(u.pace.pause):
			}
		}
		// Only once it is known how this one ended may another begin: RAUC takes no bundle
		// that somebody still has open.
		defer close(done)
		u.tell(ctx, e)
	})
}

// fetchOnce gets as much as comes, and returns how that ended.
func (u *Updater) fetchOnce(ctx context.Context, path string) Event {
	r, err := u.target()
	if err != nil {
		return Spoiled{}
	}
	f, have, err := u.store.open(&r.Content)
	if err == nil {
		if path == "" {
			err = u.copyFromPortal(ctx, f, have, r)
		} else {
			err = u.copyFromStick(ctx, f, have, r, path)
		}
		err = errors.Join(err, f.Close())
	}
	switch {
	case err == nil:
		return Whole{}
	case errors.Is(err, errDiffers):
		u.c.Log.Warn("update: the difference does not make the bundle described", "build", r.Build, "err", err)
		return Spoiled{Differs: true}
	case errors.Is(err, errSpoiled):
		return Spoiled{}
	}
	u.c.Log.Info("update: fetching was cut", "build", r.Build, "err", err)
	return Cut{Full: errors.Is(err, errKeep)}
}

// copyFromPortal gets what the kiosk does not have from the portal, and the rest from
// the bundle that it keeps.
func (u *Updater) copyFromPortal(ctx context.Context, f *os.File, have int64, r *release.Release) error {
	if have == r.Content.Size {
		return u.copyFrom(ctx, f, have, r, nil, func(int64) Got { return Got{Have: have, Whole: u.state().Whole} })
	}
	p, err := u.planFor(ctx, r)
	if err != nil {
		return err
	}
	in, err := u.assemble(ctx, r, p, have)
	if err != nil {
		u.plan = nil // the base has gone
		return err
	}
	defer func() { _ = in.Close() }() // everything wanted was read, or the error says why not
	err = u.copyFrom(ctx, f, have, r, in, func(have int64) Got {
		return Got{Have: have, New: u.brought, Left: p.left(have), Whole: p.whole}
	})
	if errors.Is(err, errSpoiled) && in.differs() {
		return fmt.Errorf("%w: %w", errDiffers, err)
	}
	return err
}

// copyFromStick copies the bundle from a memory stick.
func (u *Updater) copyFromStick(ctx context.Context, f *os.File, have int64, r *release.Release, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("update: open the bundle on the stick: %w", err)
	}
	defer func() { _ = in.Close() }() // it is read only
	if _, err := in.Seek(have, io.SeekStart); err != nil {
		return fmt.Errorf("update: read the bundle on the stick: %w", err)
	}
	return u.copyFrom(ctx, f, have, r, in, func(have int64) Got { return Got{Have: have} })
}

// copyFrom writes chunk by chunk: each is checked, then durable, then counted as got
// says.
func (u *Updater) copyFrom(ctx context.Context, f *os.File, have int64, r *release.Release, in io.Reader, got func(have int64) Got) error {
	c := &r.Content
	count := func() {
		if e := got(have); u.tell(ctx, e) {
			u.brought -= e.New
		}
	}
	count()
	buf := make([]byte, min(c.Chunk, c.Size))
	for have < c.Size {
		b := buf[:min(c.Chunk, c.Size-have)]
		if _, err := io.ReadFull(in, b); err != nil {
			count() // what came was paid for, if it is of use or not
			return fmt.Errorf("update: fetch build %d behind byte %d: %w", r.Build, have, err)
		}
		if c.CheckChunk(have/c.Chunk, b) != nil {
			count()
			return fmt.Errorf("%w: behind byte %d", errSpoiled, have)
		}
		if _, err := f.WriteAt(b, have); err != nil {
			return fmt.Errorf("update: keep what came of build %d: %w: %w", r.Build, errKeep, err)
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("update: keep what came of build %d: %w: %w", r.Build, errKeep, err)
		}
		have += int64(len(b))
		count()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := u.store.whole(c); err != nil {
		return fmt.Errorf("%w: %w", errSpoiled, err)
	}
	return nil
}
