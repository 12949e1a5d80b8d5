package ipp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

// The operations that are used (RFC 8011, 4).
const (
	opPrintJob = goipp.OpPrintJob
	opValidate = goipp.OpValidateJob
	opCreate   = goipp.OpCreateJob
	opSend     = goipp.OpSendDocument
	opCancel   = goipp.OpCancelJob
	opJob      = goipp.OpGetJobAttributes
	opJobs     = goipp.OpGetJobs
	opPrinter  = goipp.OpGetPrinterAttributes
)

// maxAnswer bounds an answer: the longest attribute lists have some 50 kB.
const maxAnswer = 512 << 10

// user is who the jobs belong to. It names no one.
const user = "penjire"

// message is a request being put together.
type message struct{ *goipp.Message }

func (m message) keywords(name string, values ...string) {
	a := goipp.Attribute{Name: name}
	for _, v := range values {
		a.Values.Add(goipp.TagKeyword, goipp.String(v))
	}
	m.Operation.Add(a)
}

func (m message) add(name string, tag goipp.Tag, v goipp.Value) {
	m.Operation.Add(goipp.MakeAttribute(name, tag, v))
}

// request returns a request with what each must begin with (RFC 8011, 4.1.4).
func (d *Dev) request(op goipp.Op, fill func(*message)) *goipp.Message {
	d.mu.Lock()
	d.id++
	version := goipp.MakeVersion(2, 0)
	if d.older {
		version = goipp.MakeVersion(1, 1)
	}
	m := message{goipp.NewRequest(version, op, d.id)}
	d.mu.Unlock()
	m.add("attributes-charset", goipp.TagCharset, goipp.String("utf-8"))
	m.add("attributes-natural-language", goipp.TagLanguage, goipp.String("en"))
	m.add("printer-uri", goipp.TagURI, goipp.String(d.at.printer))
	m.add("requesting-user-name", goipp.TagName, goipp.String(user))
	if fill != nil {
		fill(&m)
	}
	return m.Message
}

// statusError is what the printer says of a request that it did not carry out.
type statusError struct{ status goipp.Status }

func (e *statusError) Error() string { return "printer says " + e.status.String() }

// Is gives the statuses that callers branch on their names.
func (e *statusError) Is(target error) bool {
	switch e.status {
	case goipp.StatusErrorBusy, goipp.StatusErrorTemporary:
		return target == device.ErrBusy
	case goipp.StatusErrorNotFound, goipp.StatusErrorGone:
		return target == device.ErrNoJob
	case goipp.StatusErrorDocumentFormatNotSupported, goipp.StatusErrorAttributesOrValues,
		goipp.StatusErrorOperationNotSupported, goipp.StatusErrorCompressionNotSupported,
		goipp.StatusErrorForbidden, goipp.StatusErrorNotAuthenticated, goipp.StatusErrorNotAuthorized:
		return target == device.ErrUnsupported
	case goipp.StatusErrorNotAcceptingJobs, goipp.StatusErrorServiceUnavailable:
		return target == device.ErrBusy
	}
	return false
}

// ask asks for something that may be asked twice, and does so if the connection
// breaks or the printer wants the older protocol.
func (d *Dev) ask(ctx context.Context, op goipp.Op, fill func(*message)) (*goipp.Message, error) {
	for tried := 0; ; tried++ {
		m, _, err := d.exchange(ctx, d.request(op, fill), nil)
		var s *statusError
		switch {
		case err == nil || tried > 0:
			return m, err
		case errors.As(err, &s) && s.status == goipp.StatusErrorVersionNotSupported:
			d.mu.Lock()
			d.older = true
			d.mu.Unlock()
		case errors.Is(err, errCut):
		default:
			return m, err
		}
	}
}

// errCut is a connection that ended in the middle of an exchange.
var errCut = fmt.Errorf("connection was cut: %w", device.ErrUnplugged)

// exchange sends one request, with doc behind it if there is one, and returns the
// answer. sent says whether the printer may have got any of it. The error of an
// answer that is no success wraps *statusError; the answer is returned with it.
func (d *Dev) exchange(ctx context.Context, m *goipp.Message, doc *body) (answer *goipp.Message, sent bool, err error) {
	if d.ctx.Err() != nil {
		return nil, false, device.ErrHalted
	}
	head, err := m.EncodeBytes()
	if err != nil {
		return nil, false, fmt.Errorf("encode request: %w", err)
	}
	var content io.Reader = bytes.NewReader(head)
	length := int64(len(head))
	if doc == nil {
		var cancel context.CancelFunc
		ctx, cancel = d.within(ctx, d.o.Answer)
		defer cancel()
	} else {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })()
		content, length = doc.begin(head, d.o.Stall, cancel), doc.length(len(head))
		defer doc.end() // nobody reads it any more when this returns
		defer cancel(nil)
	}
	var got atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { got.Store(true) }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, d.at.http, content)
	if err != nil {
		return nil, false, fmt.Errorf("make request: %w", err)
	}
	r.ContentLength = length
	r.Header.Set("Content-Type", goipp.ContentType)
	r.Header.Set("Accept", goipp.ContentType)
	resp, err := d.client.Do(r)
	if err != nil {
		return nil, got.Load(), d.lost(ctx, err, got.Load(), doc)
	}
	answer, err = read(resp, m.RequestID)
	if cerr := resp.Body.Close(); cerr != nil && err == nil {
		err = cerr
	}
	if err != nil && (ctx.Err() != nil || !errors.Is(err, device.ErrProtocol)) {
		err = d.lost(ctx, err, true, doc)
	}
	return answer, true, err
}

// lost says why there is no answer.
func (d *Dev) lost(ctx context.Context, err error, sent bool, doc *body) error {
	cause := context.Cause(ctx)
	switch {
	case d.ctx.Err() != nil:
		return device.ErrHalted
	case doc != nil && doc.failed() != nil:
		return doc.failed()
	case isCertificate(err):
		return fmt.Errorf("%w: %w", device.ErrProtocol, err)
	case !sent && (cause == nil || errors.Is(cause, device.ErrTimeout)):
		return fmt.Errorf("%w: %w", device.ErrUnplugged, err) // nobody takes the call
	case errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", device.ErrTimeout, cause)
	case cause != nil:
		return cause
	}
	return fmt.Errorf("%w: %w", errCut, err)
}

// isCertificate reports whether err is of what stands at the printer's address
// without being the printer, or without speaking TLS.
func isCertificate(err error) bool {
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return unknown || plain || errors.Is(err, device.ErrProtocol)
}

// read reads an answer to the request id.
func read(resp *http.Response, id uint32) (*goipp.Message, error) {
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode != http.StatusOK || kind != goipp.ContentType {
		return nil, fmt.Errorf("answer is HTTP %d with %.40q: %w", resp.StatusCode, kind, device.ErrProtocol)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	return decode(b, id)
}

// decode decodes the answer b to the request id.
func decode(b []byte, id uint32) (*goipp.Message, error) {
	if len(b) > maxAnswer {
		return nil, fmt.Errorf("answer is longer than %d bytes: %w", maxAnswer, device.ErrProtocol)
	}
	m := new(goipp.Message)
	if err := m.DecodeBytesEx(b, goipp.DecoderOptions{EnableWorkarounds: true}); err != nil {
		return nil, fmt.Errorf("answer of %d bytes: %w: %w", len(b), device.ErrProtocol, err)
	}
	if m.RequestID != id {
		return nil, fmt.Errorf("answer is to request %d, not to %d: %w", m.RequestID, id, device.ErrProtocol)
	}
	if s := goipp.Status(m.Code); s >= 0x0100 { // successful-* end at 0x00FF
		return m, &statusError{s}
	}
	return m, nil
}

// find returns the values of an attribute, or nil.
func find(attrs goipp.Attributes, name string) goipp.Values {
	i := slices.IndexFunc(attrs, func(a goipp.Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return attrs[i].Values
}

// words returns an attribute's values that are text.
func words(attrs goipp.Attributes, name string) []string {
	var out []string
	for _, v := range find(attrs, name) {
		switch s := v.V.(type) {
		case goipp.String:
			out = append(out, string(s))
		case goipp.TextWithLang:
			out = append(out, s.Text)
		}
	}
	return out
}

// numbers returns an attribute's values that are integers or enums.
func numbers(attrs goipp.Attributes, name string) []int {
	var out []int
	for _, v := range find(attrs, name) {
		if n, ok := v.V.(goipp.Integer); ok {
			out = append(out, int(n))
		}
	}
	return out
}

// number returns an attribute's only value, or or.
func number(attrs goipp.Attributes, name string, or int) int {
	if n := numbers(attrs, name); len(n) == 1 {
		return n[0]
	}
	return or
}
