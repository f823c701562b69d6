#include "call/libvirt_names.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

static const char *const error_levels[] = {
  [VIR_ERR_NONE] = "none",
  [VIR_ERR_WARNING] = "warning",
  [VIR_ERR_ERROR] = "error",
};
const gl_enum gl_error_levels = GL_ENUM("error level", error_levels);

static const char *const error_codes[] = {
  [VIR_ERR_OK] = "ok",
  [VIR_ERR_INTERNAL_ERROR] = "internal_error",
  [VIR_ERR_NO_MEMORY] = "no_memory",
  [VIR_ERR_NO_SUPPORT] = "no_support",
  [VIR_ERR_UNKNOWN_HOST] = "unknown_host",
  [VIR_ERR_NO_CONNECT] = "no_connect",
  [VIR_ERR_INVALID_CONN] = "invalid_conn",
  [VIR_ERR_INVALID_DOMAIN] = "invalid_domain",
  [VIR_ERR_INVALID_ARG] = "invalid_arg",
  [VIR_ERR_OPERATION_FAILED] = "operation_failed",
  [VIR_ERR_GET_FAILED] = "get_failed",
  [VIR_ERR_POST_FAILED] = "post_failed",
  [VIR_ERR_HTTP_ERROR] = "http_error",
  [VIR_ERR_SEXPR_SERIAL] = "sexpr_serial",
  [VIR_ERR_NO_XEN] = "no_xen",
  [VIR_ERR_XEN_CALL] = "xen_call",
  [VIR_ERR_OS_TYPE] = "os_type",
  [VIR_ERR_NO_KERNEL] = "no_kernel",
  [VIR_ERR_NO_ROOT] = "no_root",
  [VIR_ERR_NO_SOURCE] = "no_source",
  [VIR_ERR_NO_TARGET] = "no_target",
  [VIR_ERR_NO_NAME] = "no_name",
  [VIR_ERR_NO_OS] = "no_os",
  [VIR_ERR_NO_DEVICE] = "no_device",
  [VIR_ERR_NO_XENSTORE] = "no_xenstore",
  [VIR_ERR_DRIVER_FULL] = "driver_full",
  [VIR_ERR_CALL_FAILED] = "call_failed",
  [VIR_ERR_XML_ERROR] = "xml_error",
  [VIR_ERR_DOM_EXIST] = "dom_exist",
  [VIR_ERR_OPERATION_DENIED] = "operation_denied",
  [VIR_ERR_OPEN_FAILED] = "open_failed",
  [VIR_ERR_READ_FAILED] = "read_failed",
  [VIR_ERR_PARSE_FAILED] = "parse_failed",
  [VIR_ERR_CONF_SYNTAX] = "conf_syntax",
  [VIR_ERR_WRITE_FAILED] = "write_failed",
  [VIR_ERR_XML_DETAIL] = "xml_detail",
  [VIR_ERR_INVALID_NETWORK] = "invalid_network",
  [VIR_ERR_NETWORK_EXIST] = "network_exist",
  [VIR_ERR_SYSTEM_ERROR] = "system_error",
  [VIR_ERR_RPC] = "rpc",
  [VIR_ERR_GNUTLS_ERROR] = "gnutls_error",
  [VIR_ERR_NO_DOMAIN] = "no_domain",
  [VIR_ERR_NO_NETWORK] = "no_network",
  [VIR_ERR_INVALID_MAC] = "invalid_mac",
  [VIR_ERR_AUTH_FAILED] = "auth_failed",
  [VIR_ERR_INVALID_STORAGE_POOL] = "invalid_storage_pool",
  [VIR_ERR_INVALID_STORAGE_VOL] = "invalid_storage_vol",
  [VIR_ERR_NO_STORAGE_POOL] = "no_storage_pool",
  [VIR_ERR_NO_STORAGE_VOL] = "no_storage_vol",
  [VIR_ERR_INVALID_NODE_DEVICE] = "invalid_node_device",
  [VIR_ERR_NO_NODE_DEVICE] = "no_node_device",
  [VIR_ERR_NO_SECURITY_MODEL] = "no_security_model",
  [VIR_ERR_OPERATION_INVALID] = "operation_invalid",
  [VIR_ERR_NO_INTERFACE] = "no_interface",
  [VIR_ERR_INVALID_INTERFACE] = "invalid_interface",
  [VIR_ERR_MULTIPLE_INTERFACES] = "multiple_interfaces",
  [VIR_ERR_INVALID_NWFILTER] = "invalid_nwfilter",
  [VIR_ERR_NO_NWFILTER] = "no_nwfilter",
  [VIR_ERR_BUILD_FIREWALL] = "build_firewall",
  [VIR_ERR_INVALID_SECRET] = "invalid_secret",
  [VIR_ERR_NO_SECRET] = "no_secret",
  [VIR_ERR_CONFIG_UNSUPPORTED] = "config_unsupported",
  [VIR_ERR_OPERATION_TIMEOUT] = "operation_timeout",
  [VIR_ERR_MIGRATE_PERSIST_FAILED] = "migrate_persist_failed",
  [VIR_ERR_HOOK_SCRIPT_FAILED] = "hook_script_failed",
  [VIR_ERR_INVALID_DOMAIN_SNAPSHOT] = "invalid_domain_snapshot",
  [VIR_ERR_NO_DOMAIN_SNAPSHOT] = "no_domain_snapshot",
  [VIR_ERR_INVALID_STREAM] = "invalid_stream",
  [VIR_ERR_ARGUMENT_UNSUPPORTED] = "argument_unsupported",
  [VIR_ERR_STORAGE_PROBE_FAILED] = "storage_probe_failed",
  [VIR_ERR_STORAGE_POOL_BUILT] = "storage_pool_built",
  [VIR_ERR_SNAPSHOT_REVERT_RISKY] = "snapshot_revert_risky",
  [VIR_ERR_OPERATION_ABORTED] = "operation_aborted",
  [VIR_ERR_AUTH_CANCELLED] = "auth_cancelled",
  [VIR_ERR_NO_DOMAIN_METADATA] = "no_domain_metadata",
  [VIR_ERR_MIGRATE_UNSAFE] = "migrate_unsafe",
  [VIR_ERR_OVERFLOW] = "overflow",
  [VIR_ERR_BLOCK_COPY_ACTIVE] = "block_copy_active",
  [VIR_ERR_OPERATION_UNSUPPORTED] = "operation_unsupported",
  [VIR_ERR_SSH] = "ssh",
  [VIR_ERR_AGENT_UNRESPONSIVE] = "agent_unresponsive",
  [VIR_ERR_RESOURCE_BUSY] = "resource_busy",
  [VIR_ERR_ACCESS_DENIED] = "access_denied",
  [VIR_ERR_DBUS_SERVICE] = "dbus_service",
  [VIR_ERR_STORAGE_VOL_EXIST] = "storage_vol_exist",
  [VIR_ERR_CPU_INCOMPATIBLE] = "cpu_incompatible",
  [VIR_ERR_XML_INVALID_SCHEMA] = "xml_invalid_schema",
  [VIR_ERR_MIGRATE_FINISH_OK] = "migrate_finish_ok",
  [VIR_ERR_AUTH_UNAVAILABLE] = "auth_unavailable",
  [VIR_ERR_NO_SERVER] = "no_server",
  [VIR_ERR_NO_CLIENT] = "no_client",
  [VIR_ERR_AGENT_UNSYNCED] = "agent_unsynced",
  [VIR_ERR_LIBSSH] = "libssh",
  [VIR_ERR_DEVICE_MISSING] = "device_not_found", /* as all that looks for a device says it */
  [VIR_ERR_INVALID_NWFILTER_BINDING] = "invalid_nwfilter_binding",
  [VIR_ERR_NO_NWFILTER_BINDING] = "no_nwfilter_binding",
  [VIR_ERR_INVALID_DOMAIN_CHECKPOINT] = "invalid_domain_checkpoint",
  [VIR_ERR_NO_DOMAIN_CHECKPOINT] = "no_domain_checkpoint",
  [VIR_ERR_NO_DOMAIN_BACKUP] = "no_domain_backup",
  [VIR_ERR_INVALID_NETWORK_PORT] = "invalid_network_port",
  [VIR_ERR_NETWORK_PORT_EXIST] = "network_port_exist",
  [VIR_ERR_NO_NETWORK_PORT] = "no_network_port",
  [VIR_ERR_NO_HOSTNAME] = "no_hostname",
  [VIR_ERR_CHECKPOINT_INCONSISTENT] = "checkpoint_inconsistent",
  [VIR_ERR_MULTIPLE_DOMAINS] = "multiple_domains",
#if LIBVIR_VERSION_NUMBER >= 9007000
  [VIR_ERR_NO_NETWORK_METADATA] = "no_network_metadata",
#endif
#if LIBVIR_VERSION_NUMBER >= 11002000
  [VIR_ERR_AGENT_COMMAND_TIMEOUT] = "agent_unresponsive", /* libvirt's earlier code for this: scripts depend on the kind */
  [VIR_ERR_AGENT_COMMAND_FAILED] = "agent_command_failed",
#endif
};
const gl_enum gl_error_codes = GL_ENUM("error code", error_codes);

static const char *const error_domains[] = {
  [VIR_FROM_NONE] = "none",
  [VIR_FROM_XEN] = "xen",
  [VIR_FROM_XEND] = "xend",
  [VIR_FROM_XENSTORE] = "xenstore",
  [VIR_FROM_SEXPR] = "sexpr",
  [VIR_FROM_XML] = "xml",
  [VIR_FROM_DOM] = "dom",
  [VIR_FROM_RPC] = "rpc",
  [VIR_FROM_PROXY] = "proxy",
  [VIR_FROM_CONF] = "conf",
  [VIR_FROM_QEMU] = "qemu",
  [VIR_FROM_NET] = "net",
  [VIR_FROM_TEST] = "test",
  [VIR_FROM_REMOTE] = "remote",
  [VIR_FROM_OPENVZ] = "openvz",
  [VIR_FROM_XENXM] = "xenxm",
  [VIR_FROM_STATS_LINUX] = "stats_linux",
  [VIR_FROM_LXC] = "lxc",
  [VIR_FROM_STORAGE] = "storage",
  [VIR_FROM_NETWORK] = "network",
  [VIR_FROM_DOMAIN] = "domain",
  [VIR_FROM_UML] = "uml",
  [VIR_FROM_NODEDEV] = "nodedev",
  [VIR_FROM_XEN_INOTIFY] = "xen_inotify",
  [VIR_FROM_SECURITY] = "security",
  [VIR_FROM_VBOX] = "vbox",
  [VIR_FROM_INTERFACE] = "interface",
  [VIR_FROM_ONE] = "one",
  [VIR_FROM_ESX] = "esx",
  [VIR_FROM_PHYP] = "phyp",
  [VIR_FROM_SECRET] = "secret",
  [VIR_FROM_CPU] = "cpu",
  [VIR_FROM_XENAPI] = "xenapi",
  [VIR_FROM_NWFILTER] = "nwfilter",
  [VIR_FROM_HOOK] = "hook",
  [VIR_FROM_DOMAIN_SNAPSHOT] = "domain_snapshot",
  [VIR_FROM_AUDIT] = "audit",
  [VIR_FROM_SYSINFO] = "sysinfo",
  [VIR_FROM_STREAMS] = "streams",
  [VIR_FROM_VMWARE] = "vmware",
  [VIR_FROM_EVENT] = "event",
  [VIR_FROM_LIBXL] = "libxl",
  [VIR_FROM_LOCKING] = "locking",
  [VIR_FROM_HYPERV] = "hyperv",
  [VIR_FROM_CAPABILITIES] = "capabilities",
  [VIR_FROM_URI] = "uri",
  [VIR_FROM_AUTH] = "auth",
  [VIR_FROM_DBUS] = "dbus",
  [VIR_FROM_PARALLELS] = "parallels",
  [VIR_FROM_DEVICE] = "device",
  [VIR_FROM_SSH] = "ssh",
  [VIR_FROM_LOCKSPACE] = "lockspace",
  [VIR_FROM_INITCTL] = "initctl",
  [VIR_FROM_IDENTITY] = "identity",
  [VIR_FROM_CGROUP] = "cgroup",
  [VIR_FROM_ACCESS] = "access",
  [VIR_FROM_SYSTEMD] = "systemd",
  [VIR_FROM_BHYVE] = "bhyve",
  [VIR_FROM_CRYPTO] = "crypto",
  [VIR_FROM_FIREWALL] = "firewall",
  [VIR_FROM_POLKIT] = "polkit",
  [VIR_FROM_THREAD] = "thread",
  [VIR_FROM_ADMIN] = "admin",
  [VIR_FROM_LOGGING] = "logging",
  [VIR_FROM_XENXL] = "xenxl",
  [VIR_FROM_PERF] = "perf",
  [VIR_FROM_LIBSSH] = "libssh",
  [VIR_FROM_RESCTRL] = "resctrl",
  [VIR_FROM_FIREWALLD] = "firewalld",
  [VIR_FROM_DOMAIN_CHECKPOINT] = "domain_checkpoint",
  [VIR_FROM_TPM] = "tpm",
  [VIR_FROM_BPF] = "bpf",
  [VIR_FROM_CH] = "ch",
};
const gl_enum gl_error_domains = GL_ENUM("error domain", error_domains);

static const char *const domain_states[] = {
  [VIR_DOMAIN_NOSTATE] = "nostate", [VIR_DOMAIN_RUNNING] = "running",         [VIR_DOMAIN_BLOCKED] = "blocked",
  [VIR_DOMAIN_PAUSED] = "paused",   [VIR_DOMAIN_SHUTDOWN] = "shutdown",       [VIR_DOMAIN_SHUTOFF] = "shutoff",
  [VIR_DOMAIN_CRASHED] = "crashed", [VIR_DOMAIN_PMSUSPENDED] = "pmsuspended",
};
const gl_enum gl_domain_states = GL_ENUM("domain state", domain_states);

static const char *const disk_errors[] = {
  [VIR_DOMAIN_DISK_ERROR_NONE] = "none",
  [VIR_DOMAIN_DISK_ERROR_UNSPEC] = "unspec",
  [VIR_DOMAIN_DISK_ERROR_NO_SPACE] = "no_space",
};
const gl_enum gl_disk_errors = GL_ENUM("disk error", disk_errors);

static const char *const job_types[] = {
  [VIR_DOMAIN_JOB_NONE] = "none",           [VIR_DOMAIN_JOB_BOUNDED] = "bounded", [VIR_DOMAIN_JOB_UNBOUNDED] = "unbounded",
  [VIR_DOMAIN_JOB_COMPLETED] = "completed", [VIR_DOMAIN_JOB_FAILED] = "failed",   [VIR_DOMAIN_JOB_CANCELLED] = "cancelled",
};
const gl_enum gl_job_types = GL_ENUM("job type", job_types);

static const char *const job_operations[] = {
  [VIR_DOMAIN_JOB_OPERATION_UNKNOWN] = "unknown",
  [VIR_DOMAIN_JOB_OPERATION_START] = "start",
  [VIR_DOMAIN_JOB_OPERATION_SAVE] = "save",
  [VIR_DOMAIN_JOB_OPERATION_RESTORE] = "restore",
  [VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN] = "migration_in",
  [VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT] = "migration_out",
  [VIR_DOMAIN_JOB_OPERATION_SNAPSHOT] = "snapshot",
  [VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT] = "snapshot_revert",
  [VIR_DOMAIN_JOB_OPERATION_DUMP] = "dump",
  [VIR_DOMAIN_JOB_OPERATION_BACKUP] = "backup",
  [10] = "snapshot_delete", /* since libvirt 9.0 */
};
const gl_enum gl_job_operations = GL_ENUM("operation of a job", job_operations);

static const char *const vcpu_states[] = {
  [VIR_VCPU_OFFLINE] = "offline",
  [VIR_VCPU_RUNNING] = "running",
  [VIR_VCPU_BLOCKED] = "blocked",
};
const gl_enum gl_vcpu_states = GL_ENUM("processor state", vcpu_states);

static const char *const block_job_types[] = {
  [VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN] = "unknown",
  [VIR_DOMAIN_BLOCK_JOB_TYPE_PULL] = "pull",
  [VIR_DOMAIN_BLOCK_JOB_TYPE_COPY] = "copy",
  [VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT] = "commit",
  [VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT] = "active_commit",
  [VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP] = "backup",
};
const gl_enum gl_block_job_types = GL_ENUM("block job type", block_job_types);

static const char *const block_job_statuses[] = {
  [VIR_DOMAIN_BLOCK_JOB_COMPLETED] = "completed",
  [VIR_DOMAIN_BLOCK_JOB_FAILED] = "failed",
  [VIR_DOMAIN_BLOCK_JOB_CANCELED] = "canceled",
  [VIR_DOMAIN_BLOCK_JOB_READY] = "ready",
};
const gl_enum gl_block_job_statuses = GL_ENUM("block job status", block_job_statuses);

/* The bit number of a flag. */
#define BIT(flag) (31 - __builtin_clz(flag))

static const char *const migrate_flags[] = {
  [BIT(VIR_MIGRATE_LIVE)] = "live",
  [BIT(VIR_MIGRATE_PEER2PEER)] = "peer2peer",
  [BIT(VIR_MIGRATE_TUNNELLED)] = "tunnelled",
  [BIT(VIR_MIGRATE_PERSIST_DEST)] = "persist_dest",
  [BIT(VIR_MIGRATE_UNDEFINE_SOURCE)] = "undefine_source",
  [BIT(VIR_MIGRATE_PAUSED)] = "paused",
  [BIT(VIR_MIGRATE_NON_SHARED_DISK)] = "non_shared_disk",
  [BIT(VIR_MIGRATE_NON_SHARED_INC)] = "non_shared_inc",
  [BIT(VIR_MIGRATE_CHANGE_PROTECTION)] = "change_protection",
  [BIT(VIR_MIGRATE_UNSAFE)] = "unsafe",
  [BIT(VIR_MIGRATE_OFFLINE)] = "offline",
  [BIT(VIR_MIGRATE_COMPRESSED)] = "compressed",
  [BIT(VIR_MIGRATE_ABORT_ON_ERROR)] = "abort_on_error",
  [BIT(VIR_MIGRATE_AUTO_CONVERGE)] = "auto_converge",
  [BIT(VIR_MIGRATE_RDMA_PIN_ALL)] = "rdma_pin_all",
  [BIT(VIR_MIGRATE_POSTCOPY)] = "postcopy",
  [BIT(VIR_MIGRATE_TLS)] = "tls",
  [BIT(VIR_MIGRATE_PARALLEL)] = "parallel",
  [BIT(VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES)] = "non_shared_synchronous_writes",
  [BIT(VIR_MIGRATE_POSTCOPY_RESUME)] = "postcopy_resume",
  [BIT(VIR_MIGRATE_ZEROCOPY)] = "zerocopy",
};
const gl_enum gl_migrate_flags = GL_ENUM("migration flag", migrate_flags);
