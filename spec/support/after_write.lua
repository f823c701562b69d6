-- The beginning of a child's script, as text: SIGKILL right after it has written so many small files (the journal, a manifest, a configuration), when
-- they are on the disk. $KILL_AFTER_WRITE is how many. The rest of the script has `core`, and `writes`, their number.

return [[
  local core = require("guestlua.core")
  local writes, last = 0, tonumber(os.getenv("KILL_AFTER_WRITE") or 0)
  for _, name in ipairs({ "write_file", "begin_write" }) do
    local write = core[name]
    core[name] = function(...)
      local writing = write(...)
      if writing then
        writing:wait()
      end
      writes = writes + 1
      if writes == last then
        os.execute("kill -KILL $PPID")
      end
      return writing
    end
  end
]]
