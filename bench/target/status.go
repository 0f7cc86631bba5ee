package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"flashstore/bench/process"
	"flashstore/bench/scenario"
)

// ErrNotEngaged is wrapped where the server does not run what the leg asked for: the leg is skipped
// and never counted.
var ErrNotEngaged = errors.New("not engaged")

// Status is what the server says of itself.
type Status struct {
	Axes map[string]AxisStatus `json:"axes"`
	Cost Cost                  `json:"cost"`
	// ServerErrors counts requests that were answered with a status of 5xx, but for 501.
	ServerErrors uint64 `json:"server_errors"`
	// Store counts what the server did about drives that are away.
	Store struct {
		DegradedReads uint64 `json:"degraded_reads"`
	} `json:"store"`

	environment []string // of the process, as the kernel has it
}

// AxisStatus is one axis: what was asked for, what runs, and a counter that only moves if it does.
type AxisStatus struct {
	Requested string `json:"requested"`
	Active    string `json:"active"`
	Proof     struct {
		Name  string `json:"name"`
		Count uint64 `json:"count"`
	} `json:"proof"`
}

// statusBytesMax bounds the answer.
const statusBytesMax = 1 << 20

// Status asks the server, signed with the leg's credentials.
func (s *Server) Status(ctx context.Context) (Status, error) {
	if !s.Ours() {
		return Status{}, errForeign
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := s.URL() + "/flashstore/v1/status"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Status{}, err
	}
	nothing := sha256.Sum256(nil)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(nothing[:]))
	signed := signer.SignV4(*request, s.AccessKey, s.SecretKey, "", Region)
	answer, err := s.http.Do(signed)
	if err != nil {
		return Status{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, statusBytesMax))
	if err != nil {
		return Status{}, err
	}
	if answer.StatusCode != http.StatusOK {
		return Status{}, fmt.Errorf("GET %s: %s: %.200s", url, answer.Status, body)
	}
	var status Status
	if err := json.Unmarshal(body, &status); err != nil {
		return Status{}, fmt.Errorf("GET %s: %w: %.200s", url, err, body)
	}
	status.environment, err = process.Environment(s.PID())
	return status, err
}

// Engaged checks that every axis of c is active and has moved its proof counter. "auto" is engaged
// whatever the server chose. Errors wrap ErrNotEngaged.
func (status Status) Engaged(c scenario.Configuration) error {
	for _, choice := range c {
		axis, ok := status.Axes[choice.Axis]
		variable := envOf(choice.Axis)
		switch {
		case variable != "":
			if !slices.Contains(status.environment, variable+"="+choice.Value) {
				return fmt.Errorf("%w: %s: the process has no %s=%s", ErrNotEngaged, choice.Axis,
					variable, choice.Value)
			}
		case !ok:
			return fmt.Errorf("%w: %s: the server's status does not mention it", ErrNotEngaged, choice.Axis)
		case axis.Requested != choice.Value:
			return fmt.Errorf("%w: %s: asked for %s, the server understood %q",
				ErrNotEngaged, choice.Axis, choice.Value, axis.Requested)
		case axis.Active != choice.Value && choice.Value != "auto":
			return fmt.Errorf("%w: %s: asked for %s, active is %s",
				ErrNotEngaged, choice.Axis, choice.Value, axis.Active)
		case axis.Proof.Count == 0:
			return fmt.Errorf("%w: %s: %s is said to be active, but its counter %q is 0",
				ErrNotEngaged, choice.Axis, axis.Active, axis.Proof.Name)
		}
	}
	return nil
}
