package rollout

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
)

// IndexFile is the name of a bundle's index in the folder, beside the bundle.
func IndexFile(folder string, sha256 [32]byte) string {
	return filepath.Join(folder, hex.EncodeToString(sha256[:])+".index")
}

// indexOf reads the index that is kept of a bundle. One that cannot be read is as good
// as none: fs.ErrNotExist.
func (o *Rollout) indexOf(c *release.Content) (x *release.Index, b []byte, err error) {
	if b, err = os.ReadFile(IndexFile(o.c.Folder, c.SHA256)); err != nil {
		return nil, nil, err
	}
	if x, err = c.ParseIndex(b); err != nil {
		return nil, nil, errors.Join(err, fs.ErrNotExist)
	}
	return x, b, nil
}

// index returns a bundle's index as it is sent. Where none is kept, for the release came
// before there were any, it is made and kept: that takes seconds, and one at a time does.
// A disk that does not keep it is no reason to have a kiosk fetch the whole. Where there
// is no bundle the error is fs.ErrNotExist.
func (o *Rollout) index(c *release.Content) ([]byte, error) {
	o.making.Lock()
	defer o.making.Unlock()
	_, b, err := o.indexOf(c)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	f, err := os.Open(BundleFile(o.c.Folder, c.SHA256))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read only
	x, err := c.MakeIndex(f)
	if err != nil {
		return nil, err
	}
	if b, err = x.Marshal(); err != nil {
		return nil, err
	}
	if err := durable.WriteFile(IndexFile(o.c.Folder, c.SHA256), b, 0o600); err != nil {
		o.c.Log.Error("rollout: an index is not kept: it is made anew each time", "err", err)
	}
	return b, nil
}

// ErrNoIndex is returned where it is not known what of a release is new.
var ErrNoIndex = errors.New("there is no index of its bundle")

// Beyond returns how many bytes a kiosk has to fetch of a release that keeps the bundle
// of the one before: of the same board, with the next lower build. It makes no index:
// where one is missing, or there was none before, the error is ErrNoIndex.
func (o *Rollout) Beyond(ctx context.Context, r ledger.Release) (before ledger.Release, n int64, err error) {
	all, err := o.c.Ledger.Releases(ctx)
	if err != nil {
		return before, 0, fmt.Errorf("rollout: %w", err)
	}
	for _, c := range all {
		if c.Board == r.Board && c.Build < r.Build && c.Build > before.Build {
			before = c
		}
	}
	if before.Build == 0 {
		return before, 0, ErrNoIndex
	}
	var xs [2]*release.Index
	for i, c := range []ledger.Release{r, before} {
		if xs[i], _, err = o.indexOf(&release.Content{SHA256: c.SHA256, Size: c.Size}); err != nil {
			return before, 0, fmt.Errorf("rollout: what of build %d is new: %w: %w", r.Build, ErrNoIndex, err)
		}
	}
	return before, xs[0].Beyond(xs[1]), nil
}
