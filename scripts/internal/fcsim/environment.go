package fcsim

import (
	"path/filepath"
	"strings"
)

const (
	functionHandler = "main"
	functionMemory  = "512" // MB
)

func isReserved(name string) bool { return strings.HasPrefix(name, "FC_") }

// environment is all a process sees: the platform's variables and the function's settings, nothing of the developer's shell.
// The role's credentials are left out: whether go1 has them here is disputed, and the headers of each invocation are fresher.
func environment(cfg Config, dir, runtimeAPI, instanceID string) []string {
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"HOME=" + dir,
		"FC_RUNTIME_API=" + runtimeAPI,
		"FC_FUNCTION_NAME=" + cfg.FunctionName,
		"FC_FUNCTION_HANDLER=" + functionHandler,
		"FC_FUNCTION_MEMORY_SIZE=" + functionMemory,
		"FC_FUNCTION_VERSION=LATEST",
		"FC_FUNC_CODE_PATH=" + filepath.Dir(cfg.Binary),
		"FC_REGION=" + cfg.Region,
		"FC_ACCOUNT_ID=" + accountID,
		"FC_INSTANCE_ID=" + instanceID,
	}
	for name, value := range cfg.Env {
		env = append(env, name+"="+value)
	}
	return env
}
