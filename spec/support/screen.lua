-- A program on its own terminal, by tmux: types, and reads the screen.
--
--   local screen <close> = screen.start("guestlua -q", { columns = 80, lines = 24, env = { NAME = "value" } })
--   screen:type("1 + 1\n")              "\n" is the Enter key
--   screen:key("Tab", "C-c")            keys, by tmux's names
--   screen:shows("2\n>")                waits for the text, as lines of the screen; fails with the screen if it does not come

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local screen = {}
screen.__index = screen

local PATIENCE = 60 -- seconds: it may run under valgrind

local function tmux(self, ...)
  local words = { "timeout", "-k", "5", "60", "tmux", "-S", self.socket, "-f", "/dev/null" }
  for i, word in ipairs({ ... }) do
    words[9 + i] = helper.quoted(word)
  end
  local pipe <close> = assert(io.popen(table.concat(words, " ") .. " 2>&1"))
  return pipe:read("a")
end

function screen.start(command, options)
  options = options or {}
  local self = setmetatable({ status = os.tmpname() }, screen)
  self.socket = self.status .. ".tmux"
  local env = { "env" }
  for name, value in pairs(options.env or {}) do
    env[#env + 1] = name .. "=" .. helper.quoted(value)
  end
  -- The exit code goes to a file, and the screen's text stays.
  local line = ("trap : INT QUIT; %s %s; echo $? >%s; sleep 600"):format(table.concat(env, " "), command, self.status)
  tmux(self, "new-session", "-d", "-x", tostring(options.columns or 80), "-y", tostring(options.lines or 24), line)
  return self
end

-- The screen's text, without the blanks at the ends of its lines and below.
function screen:text()
  return (tmux(self, "capture-pane", "-p"):gsub("[ \t]*\n", "\n"):gsub("\n*$", "\n"))
end

function screen:type(text)
  for line, enter in text:gmatch("([^\n]*)(\n?)") do
    if line ~= "" then
      tmux(self, "send-keys", "-l", "--", line)
    end
    if enter ~= "" then
      tmux(self, "send-keys", "Enter")
    end
  end
end

function screen:key(...)
  tmux(self, "send-keys", ...)
end

function screen:resize(columns, lines)
  tmux(self, "resize-window", "-x", tostring(columns), "-y", tostring(lines))
end

local function wait_until(what, fn)
  local deadline = guestlua.now() + PATIENCE
  while true do
    local done, seen = fn()
    if done then
      return done
    elseif guestlua.now() >= deadline then
      error(("%s did not come; the screen was:\n%s"):format(what, seen), 3)
    end
    guestlua.sleep(0.05)
  end
end

-- Waits for a pattern, or if plain is set for a text; returns the screen's text.
function screen:matches(pattern, plain)
  return wait_until(("'%s'"):format(pattern), function()
    local text = self:text()
    return text:find(pattern, 1, plain) and text, text
  end)
end

function screen:shows(text)
  return self:matches(text, true)
end

-- Waits for the end of the program; its exit code.
function screen:exit_code()
  return wait_until("the end", function()
    local file <close> = assert(io.open(self.status))
    return tonumber(file:read("a")), self:text()
  end)
end

-- The process of the program, to send signals to.
function screen:pid()
  local pane = tmux(self, "list-panes", "-F", "#{pane_pid}"):match("%d+")
  local pipe <close> = assert(io.popen("pgrep -P " .. pane))
  return pipe:read("n")
end

function screen:__close()
  tmux(self, "kill-server")
  os.remove(self.status)
  os.remove(self.socket)
end

return screen
