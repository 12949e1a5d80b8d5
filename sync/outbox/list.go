package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Requests hands every request to fn, by epoch and sequence, until fn returns an
// error. Between chunks of them commits go on.
func (o *Outbox) Requests(ctx context.Context, fn func(Request) error) error {
	var after []byte
	for {
		var chunk []Request
		err := o.view(ctx, func(b *bolt.Tx) (err error) {
			chunk, after, err = someRequests(b, after, 256)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range chunk {
			if err := fn(r); err != nil {
				return err
			}
		}
		if after == nil {
			return nil
		}
	}
}

// ReadRequests does what Requests does with a file that nobody has open. It
// changes nothing. ErrLocked while a kiosk runs.
func ReadRequests(ctx context.Context, path string, fn func(Request) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("outbox: read the requests: %w", err)
	}
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true, Timeout: time.Second, OpenFile: openExisting})
	if errors.Is(err, berrors.ErrTimeout) {
		return fmt.Errorf("outbox: read the requests of %s: %w", path, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("outbox: read the requests of %s: %w: %w", path, err, ErrDamaged)
	}
	defer func() {
		if e := db.Close(); e != nil {
			err = errors.Join(err, fmt.Errorf("outbox: close %s: %w", path, e))
		}
	}()
	return db.View(func(b *bolt.Tx) error {
		var after []byte
		for {
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("outbox: read the requests: %w", err)
			}
			var chunk []Request
			if chunk, after, err = someRequests(b, after, 256); err != nil {
				return err
			}
			for _, r := range chunk {
				if err := fn(r); err != nil {
					return err
				}
			}
			if after == nil {
				return nil
			}
		}
	})
}

// someRequests returns up to n requests behind the key, and the key to go on
// with; nil at the end.
func someRequests(b *bolt.Tx, after []byte, n int) (out []Request, next []byte, err error) {
	in := b.Bucket(bucketRequest)
	if in == nil {
		return nil, nil, fmt.Errorf("outbox: no bucket %s: %w", bucketRequest, ErrDamaged)
	}
	c := in.Cursor()
	k, raw := c.First()
	if after != nil {
		k, raw = c.Seek(after)
	}
	for ; k != nil; k, raw = c.Next() {
		if len(out) == n {
			return out, append([]byte(nil), k...), nil
		}
		if len(k) == 25 {
			continue // sealed bytes
		}
		if len(k) != 24 {
			return nil, nil, fmt.Errorf("outbox: request under a key of %d bytes: %w", len(k), ErrDamaged)
		}
		v, err := wholeValue(raw, kindRequest, short(k[16:]))
		if err != nil {
			return nil, nil, err
		}
		r, err := parseRequest(v.payload)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, r.public(v.epoch, v.number))
	}
	return out, nil, nil
}
