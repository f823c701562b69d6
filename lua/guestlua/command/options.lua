-- The command's options, in the order of --help. main.c reads them from here, and so do --help, the man page and the shells' completions.
--
--   short, long   -c and --connect; `word` instead for what is not spelled like an option
--   argument      the name of what must follow; FILE is completed as one
--   integer       the argument is a whole number from 0 up; most: and not above that
--   choices       the only arguments that there are; `suggestions` are some of many
--   operands      takes the place of SCRIPT [ARGUMENT]...
--   repeatable    each one counts, in their order
--   same_as       another spelling of that one
--   rare          --help has its name only
--   help          one line, to follow the option in a list

local MOST = (1 << 31) - 1 -- INT_MAX

local uris = { "qemu:///system", "qemu:///session", "test:///default" }

return {
  { short = "c", long = "connect", argument = "URI", suggestions = uris, help = "the connection that guestlua.open() makes" },
  { short = "r", long = "readonly", help = "make it read-only" },
  { short = "k", long = "keepalive-interval", argument = "SECONDS", integer = true, most = MOST, help = "ask this often whether it lives; 0: never" },

  { short = "e", argument = "STAT", repeatable = true, help = "run the statement" },
  { short = "l", argument = "MOD", repeatable = true, help = "require the module, into a global of its name" },
  { short = "i", long = "interactive", help = "then read statements from standard input" },
  { short = "E", rare = true, help = "ignore LUA_INIT, LUA_PATH and LUA_CPATH" },
  { short = "W", rare = true, help = "turn Lua's warnings on" },

  { long = "check", operands = "SCRIPT...", help = "compile, run nothing, and name what is wrong" },
  { long = "dry-run", help = "name the calls that change something, make none" },
  { long = "sandbox", help = "keep the script from files, programs, C modules" },
  { long = "process", help = "that, in a process of its own that reaches nothing" },
  { long = "max-seconds", argument = "SECONDS", integer = true, rare = true, help = "end that process after so long; 0: never" },
  { long = "max-memory", argument = "MIB", integer = true, help = "let Lua hold at most that much memory" },
  { long = "max-instructions", argument = "COUNT", integer = true, help = "let it run at most so many instructions" },

  { long = "slice", argument = "MS", integer = true, most = MOST, rare = true, help = "let others go on after so long a computation; 0: no" },

  { short = "q", long = "quiet", help = "print errors and the script's output only" },
  { short = "d", long = "debug", argument = "LEVEL", choices = { "0", "1", "2", "3", "4" },
    help = "how much is logged, virsh's way: 0 all, 4 errors" },
  { long = "log-level", argument = "LEVEL", choices = { "error", "warning", "info", "debug", "trace" }, help = "how much is logged" },
  { long = "log-format", argument = "FORMAT", choices = { "text", "json" }, rare = true, help = "what a line of the log looks like" },
  { long = "log-file", argument = "FILE", help = "log there, not on standard error" },
  { long = "result", argument = "FILE", help = "write what came of it there in JSON; -: print it" },
  { long = "status-key", help = "a key pressed at the terminal asks what tasks do" },

  { word = "backup", help = "save guests' disks while they run: guestlua backup --help" },
  { word = "restore", help = "make a guest of a backup: guestlua restore --help" },
  { word = "backups", help = "list backups: guestlua backups --help" },
  { word = "verify", help = "read backups and compare them with their checksums: guestlua verify --help" },
  { word = "prune", help = "remove backups that are not kept: guestlua prune --help" },
  { word = "metrics", help = "what guests use, as OpenMetrics text: guestlua metrics --help" },
  { word = "top", help = "what guests use now: guestlua top --help" },
  { word = "console", help = "a guest's console, at this terminal: guestlua console --help" },
  { word = "recover", help = "take back what killed runs left: guestlua recover --help" },
  { word = "help", operands = "[WORDS]", help = "say what a command, a method, a command of virsh or words mean: guestlua help setmem" },
  { short = "V", long = "version", help = "print the versions" },
  { short = "v", same_as = "V", help = "the same, as lua(1) spells it" },
  { short = "h", long = "help", help = "print this list" },
  { word = "-", help = "the script is standard input" },
  { word = "--", help = "what follows is no option" },
}
