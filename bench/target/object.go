package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// Put writes an object into the bucket of the load. A nil error is an acknowledgement.
func (s *Server) Put(ctx context.Context, key string, body []byte) error {
	_, err := s.client.PutObject(ctx, Bucket, key, bytes.NewReader(body), int64(len(body)),
		minio.PutObjectOptions{DisableMultipart: true})
	return err
}

// getBytesMax bounds what Get reads.
const getBytesMax = 64 << 20

// Get reads an object of the bucket of the load. The error wraps fs.ErrNotExist where the server
// says that there is none.
func (s *Server) Get(ctx context.Context, key string) ([]byte, error) {
	body, err := s.get(ctx, Bucket, key, minio.GetObjectOptions{}, getBytesMax)
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return body, err
}
