package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// strict decodes options, one object, into o and refuses keys it does not know.
func strict(options json.RawMessage, o any) error {
	if len(options) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(options))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read options: something follows the object")
	}
	return nil
}
