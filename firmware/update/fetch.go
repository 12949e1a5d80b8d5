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
		u.tell(ctx, Got{Have: have})
		err = u.copyFrom(ctx, f, have, r, path)
		err = errors.Join(err, f.Close())
	}
	switch {
	case err == nil:
		return Whole{}
	case errors.Is(err, errSpoiled):
		return Spoiled{}
	}
	u.c.Log.Info("update: fetching was cut", "build", r.Build, "err", err)
	return Cut{Full: errors.Is(err, errKeep)}
}

// copyFrom writes chunk by chunk: each is checked, then durable, then counted.
func (u *Updater) copyFrom(ctx context.Context, f *os.File, have int64, r *release.Release, path string) error {
	c := &r.Content
	if have < c.Size {
		in, err := u.source(ctx, r, path, have)
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }() // everything wanted was read, or the error says why not
		buf := make([]byte, c.Chunk)
		for have < c.Size {
			b := buf[:min(c.Chunk, c.Size-have)]
			if _, err := io.ReadFull(in, b); err != nil {
				return fmt.Errorf("update: fetch build %d behind byte %d: %w", r.Build, have, err)
			}
			if c.CheckChunk(have/c.Chunk, b) != nil {
				return fmt.Errorf("%w: behind byte %d", errSpoiled, have)
			}
			if _, err := f.Write(b); err != nil {
				return fmt.Errorf("update: keep what came of build %d: %w: %w", r.Build, errKeep, err)
			}
			if err := f.Sync(); err != nil {
				return fmt.Errorf("update: keep what came of build %d: %w: %w", r.Build, errKeep, err)
			}
			have += int64(len(b))
			brought := int64(len(b))
			if path != "" {
				brought = 0
			}
			u.tell(ctx, Got{have, brought})
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if err := u.store.whole(c); err != nil {
		return fmt.Errorf("%w: %w", errSpoiled, err)
	}
	return nil
}

// source returns the bundle from an offset on, from the stick or the portal.
func (u *Updater) source(ctx context.Context, r *release.Release, path string, from int64) (io.ReadCloser, error) {
	if path == "" {
		if u.c.Source == nil {
			return nil, errors.New("update: there is no portal to fetch from")
		}
		return u.c.Source.Bundle(ctx, r.Content.SHA256, from)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("update: open the bundle on the stick: %w", err)
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("update: read the bundle on the stick: %w", err), f.Close())
	}
	return f, nil
}
