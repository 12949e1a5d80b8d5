package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/outbox"
)

// match says whether an entry is the one that what names: by its number, by eight
// letters or more of its document, or by its tracking code, where that follows from
// the document.
func match(what string) func(kiosk.QueueEntry) bool {
	seq, err := strconv.ParseUint(what, 10, 64)
	if err == nil && len(what) < 16 {
		return func(e kiosk.QueueEntry) bool { return e.Seq == seq }
	}
	code, codeErr := edoc.ParseCode(what)
	return func(e kiosk.QueueEntry) bool {
		if len(what) >= 8 && strings.HasPrefix(e.Doc, strings.ToLower(what)) {
			return true
		}
		doc, err := hex.DecodeString(e.Doc)
		return codeErr == nil && err == nil && len(doc) == 32 && edoc.ID(doc).Code() == code
	}
}

// receipt writes what the portal signed about one request. Anyone can check it with
// penjire verify and a trust bundle, without this kiosk and without the portal.
func (q *queue) receipt(ctx context.Context, what, level, out string) int {
	b, err := q.receiptOf(ctx, what, level)
	switch {
	case errors.Is(err, errNoReceipt), errors.Is(err, errNoRequest):
		return q.fail(bad, err, "a number, eight letters or more of the document, or a tracking code; penjire queue show says whether there is one")
	case err != nil:
		return q.unread(err)
	}
	if out == "" {
		_, err = q.stdout.Write(b)
	} else {
		err = os.WriteFile(out, b, 0o600)
	}
	if err != nil {
		return q.fail(usage, fmt.Errorf("write the receipt: %w", err), "")
	}
	return good
}

var (
	errNoReceipt = errors.New("there is no such receipt of the portal")
	errNoRequest = errors.New("there is no such request, or several")
)

func (q *queue) receiptOf(ctx context.Context, what, level string) (b []byte, err error) {
	query := url.Values{"level": {level}}
	if code, err := edoc.ParseCode(what); err == nil {
		query.Set("code", code)
	}
	var found []kiosk.QueueEntry
	fits := match(what)
	err = q.each(ctx, func(e kiosk.QueueEntry) error {
		if fits(e) {
			found = append(found, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case len(found) == 1:
		query.Set("doc", found[0].Doc)
		query.Del("code")
	case len(found) > 1 || !query.Has("code"):
		return nil, fmt.Errorf("%q: %w", short(what), errNoRequest)
	}
	err = q.ask(ctx, http.MethodGet, "/queue/receipt?"+query.Encode(), func(r io.Reader) error {
		b, err = io.ReadAll(io.LimitReader(r, outbox.MaxReceipt))
		return err
	})
	if errors.Is(err, errStopped) && len(found) == 1 {
		b = nil
		err = outbox.ReadRequests(ctx, q.file(), func(r outbox.Request) error {
			if hex.EncodeToString(r.Doc[:]) == found[0].Doc {
				b = kiosk.ReceiptOf(r, level)
			}
			return nil
		})
	}
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("%q: %w", short(what), errNoReceipt)
	}
	return b, err
}
