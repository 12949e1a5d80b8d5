package ippprinter

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/OpenPrinting/goipp"
)

// path is where the printer is at its address.
const path = "/ipp/print"

// maxDocument bounds a document.
const maxDocument = 64 << 20

// errGone ends a connection.
var errGone = errors.New("connection ends here")

// Serve serves one connection until it ends.
func (p *Printer) Serve(line io.ReadWriter) {
	in := bufio.NewReader(line)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if err := p.serve(line, r); err != nil {
			return
		}
	}
}

func (p *Printer) serve(line io.Writer, r *http.Request) error {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != goipp.ContentType || r.URL.Path != path {
		_, err := io.WriteString(line, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		return errors.Join(err, errGone)
	}
	if r.Header.Get("Expect") == "100-continue" {
		if _, err := io.WriteString(line, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return err
		}
	}
	m := new(goipp.Message)
	if err := m.Decode(r.Body); err != nil {
		_, err := io.WriteString(line, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		return errors.Join(err, errGone)
	}
	p.mu.Lock()
	f := p.hit(goipp.Op(m.Code))
	p.mu.Unlock()
	switch f.Kind {
	case CutBefore:
		return errGone
	case Deaf:
		return forever(line)
	case Web:
		_, err := io.WriteString(line, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<h1>Hello</h1>")
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		return err
	}
	doc, err := io.ReadAll(io.LimitReader(r.Body, maxDocument))
	if err != nil {
		p.broken(m) // a part of a document: it is thrown away
		return err
	}
	answer := reply(m, f.Code)
	if f.Kind != Status {
		answer = p.carryOut(m, doc, f)
	}
	b, err := answer.EncodeBytes()
	if err != nil {
		return err
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", goipp.ContentType, len(b))
	switch f.Kind {
	case CutAfter, ForgetAfter:
		return errGone
	case HalfAnswer:
		_, err := line.Write(append([]byte(head), b[:len(b)/2]...))
		return errors.Join(err, errGone)
	case Silent:
		return forever(line)
	case Garbage:
		b = bytes.Repeat([]byte{0xA5}, len(b))
	}
	_, err = line.Write(append([]byte(head), b...))
	return err
}

// forever says nothing until the other end hangs up. Closing is noticed by reading.
func forever(line io.Writer) error {
	if r, ok := line.(io.Reader); ok {
		_, _ = io.Copy(io.Discard, r)
	}
	return errGone
}

// reply begins an answer to m.
func reply(m *goipp.Message, s goipp.Status) *goipp.Message {
	a := goipp.NewResponse(m.Version, s, m.RequestID)
	a.Operation.Add(goipp.MakeAttribute("attributes-charset", goipp.TagCharset, goipp.String("utf-8")))
	a.Operation.Add(goipp.MakeAttribute("attributes-natural-language", goipp.TagLanguage, goipp.String("en")))
	return a
}

// text returns the first value of an attribute as text.
func text(a goipp.Attributes, name string) string {
	for _, x := range a {
		if x.Name == name {
			return x.Values[0].V.String()
		}
	}
	return ""
}

func integer(a goipp.Attributes, name string, or int) int {
	if n, err := strconv.Atoi(text(a, name)); err == nil {
		return n
	}
	return or
}

// wellFormed checks what every request must begin with (RFC 8011, 4.1.4).
func wellFormed(m *goipp.Message) bool {
	o := m.Operation
	return len(o) > 2 && o[0].Name == "attributes-charset" && o[1].Name == "attributes-natural-language" && o[2].Name == "printer-uri"
}
