package appliance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/e2e/visitor"
)

// citizens make requests at the machine's own pages, through a way that root opens in
// the machine for the test.
type citizens struct {
	k     *kiosk
	c     *http.Client
	codes []string // of what was accepted
	tries int
}

// client opens the way to the pages: systemd's own proxy, on a port that the rules of
// the firewall let in from now on, and QEMU's on this computer's loopback.
func (k *kiosk) client(ctx context.Context) *citizens {
	k.t.Helper()
	k.way(ctx)
	if k.citizens == nil {
		k.citizens = &citizens{k: k, c: &http.Client{Timeout: time.Minute, Transport: pages{k}}}
	}
	return k.citizens
}

// way opens it; after each start of the machine.
func (k *kiosk) way(ctx context.Context) {
	k.t.Helper()
	k.run(ctx, "nft insert rule inet penjire input tcp dport 7999 accept; "+
		"systemd-run --collect --unit=test-way systemd-socket-activate -l 7999 /usr/lib/systemd/systemd-socket-proxyd "+screens+
		"; until grep -q ':1F3F 0.* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 1; done") // until it listens
}

// pages sends requests to the machine that is on, as its browser does.
type pages struct{ k *kiosk }

func (p pages) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host, r.Host = p.k.ways, screens
	answer, err := http.DefaultTransport.RoundTrip(r)
	if answer != nil {
		answer.Request.URL.Host = screens
	}
	return answer, err
}

// complain makes a complaint and remembers its code, if one was shown.
func (c *citizens) complain(what string) (string, error) {
	c.tries++
	code, err := visitor.Complain(c.c, "http://"+screens, fmt.Sprintf("Hyzmat berilmedi, %d: %s.", c.tries, what))
	if code != "" {
		c.codes = append(c.codes, code) // shown is promised, whatever happens then
	}
	return code, err
}

// arrived waits until the portal has everything whose code was shown.
func (c *citizens) arrived(ctx context.Context) {
	c.k.t.Helper()
	for _, code := range c.codes {
		for {
			status, err := c.status(ctx, code)
			if err == nil && status == http.StatusOK {
				break
			}
			if ctx.Err() != nil {
				c.k.t.Fatalf("request %s, whose code was shown, is not at the portal: %d, %v", code, status, err)
			}
			<-time.After(2 * time.Second) // the kiosk sends when it can; the portal lets nobody try codes fast
		}
	}
	c.k.t.Logf("%d requests were accepted in %d tries, and all are at the portal", len(c.codes), c.tries)
}

// status asks the portal's public page about a code.
func (c *citizens) status(ctx context.Context, code string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.k.portal.web+"/status", strings.NewReader(url.Values{"code": {code}}.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
