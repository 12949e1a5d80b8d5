package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/sync/outbox"
)

// backup writes to a name beside, flushes, reads back what is there, and renames.
func (q *queue) backup(ctx context.Context, path string) (status int) {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return q.fail(usage, err, "")
	}
	defer func() {
		if status != good {
			_ = os.Remove(temp) // it is not whole
		}
	}()
	err = q.ask(ctx, http.MethodGet, "/queue/backup", func(r io.Reader) error { _, err := io.Copy(f, r); return err })
	if errors.Is(err, errStopped) {
		err = q.backupStopped(ctx, f)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = outbox.CheckCopy(f)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return q.unread(err)
	}
	if err := os.Rename(temp, path); err != nil {
		return q.fail(usage, err, "")
	}
	d, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return q.fail(usage, fmt.Errorf("flush the folder of the backup: %w", err), "")
	}
	q.print(map[string]string{"backup": path}, "the backup is whole: "+path)
	return good
}

func (q *queue) backupStopped(ctx context.Context, w io.Writer) error {
	box, err := outbox.Open(ctx, q.dir(), q.options())
	if err != nil {
		return err
	}
	return errors.Join(box.Backup(ctx, w), box.Close())
}

func (q *queue) restore(ctx context.Context, from []string) int {
	res, err := outbox.Restore(ctx, q.dir(), q.options(), from...)
	if errors.Is(err, outbox.ErrLocked) {
		return q.fail(blind, err, "stop penjired first")
	}
	if err != nil {
		return q.fail(bad, err, "")
	}
	q.print(map[string]any{
		"epoch": fmt.Sprintf("%x", res.Epoch), "requests": res.Requests, "waiting": res.Waiting, "lost": res.Lost,
		"torn": append([]string{}, res.Torn...), "aside": res.Aside,
	}, fmt.Sprintf("%d requests, %d without the portal's receipt, %d of them without their bytes", res.Requests, res.Waiting, res.Lost))
	if !q.asJSON {
		for _, t := range res.Torn {
			_, _ = fmt.Fprintf(q.stdout, "%s is not whole: what could be found of it is here\n", t)
		}
		if res.Aside != "" {
			_, _ = fmt.Fprintf(q.stdout, "the file that was here is kept: %s\n", res.Aside)
		}
	}
	if res.Lost > 0 || len(res.Torn) > 0 {
		return bad
	}
	return good
}

func (q *queue) mirror(ctx context.Context) int {
	var m kiosk.MirrorReport
	err := q.ask(ctx, http.MethodGet, "/queue/mirror", func(r io.Reader) error { return json.NewDecoder(r).Decode(&m) })
	if err != nil {
		return q.unread(err)
	}
	text := fmt.Sprintf("%s since %s: %s, %d bytes", m.State, m.Since.Format(time.RFC3339), m.Folder, m.Bytes)
	if m.State == "" {
		text = "no mirror is set: outbox.mirror in the settings"
	}
	if m.Same {
		text += "; on the same medium as the outbox"
	}
	if m.Error != "" {
		text += "; " + m.Error
	}
	q.print(m, text)
	if m.State != string(outbox.MirrorGood) {
		return bad
	}
	return good
}

func (q *queue) dismiss(ctx context.Context, alarm string) int {
	err := q.ask(ctx, http.MethodPost, "/queue/dismiss?"+url.Values{"alarm": {alarm}}.Encode(), func(io.Reader) error { return nil })
	if err != nil {
		return q.fail(blind, err, "only a running kiosk takes an alarm back")
	}
	q.print(map[string]string{"dismissed": alarm}, alarm+" is dismissed")
	return good
}
