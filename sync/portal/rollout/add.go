package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
)

// Add takes a release into the folder and the ledger, let out to nobody. The bundle is
// read and must be the one that is described by somebody whom keys believes; its index
// is made. It may be repeated.
func (o *Rollout) Add(ctx context.Context, signed []byte, keys release.Keys, bundle io.Reader, by string) (r *release.Release, err error) {
	if r, _, err = release.Open(signed, keys); err != nil {
		return nil, fmt.Errorf("rollout: add a release: %w", err)
	}
	if err := os.MkdirAll(o.c.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("rollout: make the folder of bundles: %w", err)
	}
	if err := o.keep(r, bundle); err != nil {
		return nil, fmt.Errorf("rollout: keep the bundle of build %d: %w", r.Build, err)
	}
	if _, err := o.index(&r.Content); err != nil {
		return nil, fmt.Errorf("rollout: make the index of build %d: %w", r.Build, err)
	}
	err = o.c.Ledger.AddRelease(ctx, ledger.Release{
		Board: r.Board, Build: r.Build, Version: r.Version, SHA256: r.Content.SHA256, Size: r.Content.Size, Signed: signed,
		Widest: uint8(r.Ring), By: by, At: o.c.Now(),
	})
	if err != nil {
		return nil, fmt.Errorf("rollout: add build %d for %s: %w", r.Build, r.Board, err)
	}
	return r, nil
}

// keep writes the bundle, whole and durably, before the ledger names it.
func (o *Rollout) keep(r *release.Release, bundle io.Reader) (err error) {
	f, err := os.CreateTemp(o.c.Folder, "*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
			_ = os.Remove(f.Name())
		}
	}()
	if err = r.Content.Verify(io.TeeReader(bundle, f)); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return durable.Rename(f.Name(), BundleFile(o.c.Folder, r.Content.SHA256))
}
