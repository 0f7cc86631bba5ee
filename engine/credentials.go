package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"flashstore/engine/config"
	"flashstore/engine/iam"
)

// credentialsName is the file beside the drives that keeps generated root credentials. Its
// lines are assignments that a shell can read.
const credentialsName = "flashstore-root.env"

// rootIdentity takes the root credentials from the configuration, or from the file of an
// earlier start, or generates them. Only their path is ever said.
func rootIdentity(c *config.Config, log *slog.Logger) (*iam.Root, error) {
	if root, err := givenRoot(c); root != nil || err != nil {
		return root, err
	}
	first, err := filepath.Abs(c.Drives[0])
	if err != nil {
		return nil, err
	}
	path := filepath.Join(filepath.Dir(first), credentialsName)
	credentials, err := readCredentials(path)
	if errors.Is(err, fs.ErrNotExist) {
		credentials = iam.Generate()
		if err = writeCredentials(path, credentials); err == nil {
			log.Info("root credentials were generated", "path", path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("root credentials: %w", err)
	}
	root, err := iam.NewRoot(credentials)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// givenRoot takes the root credentials from the configuration; nil if it has none.
func givenRoot(c *config.Config) (*iam.Root, error) {
	if c.RootUser == "" {
		return nil, nil
	}
	root, err := iam.NewRoot(iam.Credentials{AccessKey: c.RootUser, Secret: c.RootPassword})
	if err != nil {
		return nil, fmt.Errorf("%w: FLASHSTORE_ROOT_USER, FLASHSTORE_ROOT_PASSWORD: %w",
			config.ErrUsage, err)
	}
	return root, nil
}

func readCredentials(path string) (c iam.Credentials, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "FLASHSTORE_ROOT_USER":
			c.AccessKey = value
		case "FLASHSTORE_ROOT_PASSWORD":
			c.Secret = value
		}
	}
	if err := lines.Err(); err != nil {
		return c, err
	}
	if c.AccessKey == "" || c.Secret == "" {
		return c, fmt.Errorf("%s does not set both FLASHSTORE_ROOT_USER and "+
			"FLASHSTORE_ROOT_PASSWORD: restore it, or remove it for new ones", path)
	}
	return c, nil
}

// writeCredentials creates the file, readable by its owner only, durably.
func writeCredentials(path string, c iam.Credentials) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "FLASHSTORE_ROOT_USER=%s\nFLASHSTORE_ROOT_PASSWORD=%s\n",
		c.AccessKey, c.Secret)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
