-- What can be typed at the prompt that is not Lua: quit, exit, ?topic, help topic, .history words.

local terminal = require("guestlua.terminal")

local SHOWN = 30 -- lines of the history

local function trimmed(text)
  return text:match("^%s*(.-)%s*$")
end

local typed = {}

-- The page of what the text names: a value if it is one, or else the words. The second result is whether there is one.
function typed.help(topic, columns)
  local pages = require("guestlua.prompt.pages")
  if topic == "" then
    return pages.text(nil, columns), true
  end
  local chunk = topic:find("^[%a_][%w_.:]*$") and load("return " .. topic:gsub(":", "."), "=help", "t")
  local ok, value = pcall(chunk or error)
  local words = topic:match("^[\"'](.*)[\"']$") or topic
  local page = ok and type(value) ~= "string" and value ~= nil and pages.find(value, columns) or pages.find(words, columns)
  return page or pages.text(words, columns), page ~= nil
end

local function has_words(text, words)
  for word in words:gmatch("%S+") do
    if not text:find(word, 1, true) then
      return false
    end
  end
  return true
end

-- The entries that have all words, the latest last.
local function history(words)
  local entries = terminal.entries()
  local found = {}
  for i = #entries, 1, -1 do
    if has_words(entries[i]:lower(), words:lower()) then
      table.insert(found, 1, ("%5d  %s"):format(i, entries[i]:gsub("\n", "\n       ")))
    end
    if #found == SHOWN then
      break
    end
  end
  return #found > 0 and table.concat(found, "\n") or ("Nothing in the history has '%s'."):format(words)
end

local COMMANDS = {
  history = history,
  help = typed.help,
}

-- Whether this leaves the prompt.
function typed.leaves(text)
  local word = trimmed(text):match("^%.?(%a+)%s*%(?%s*%)?;?$")
  return word == "quit" or word == "exit"
end

-- What helps who typed a command of virsh's, as "start web1": the page of that command; nil if it is none, or may be Lua.
function typed.virsh(text)
  local word, rest = trimmed(text):gsub("^virsh%s+", ""):match("^(%l[%l-]*)(.*)$")
  if word and (rest == "" or rest:find("^%s+[%w\"'/-]")) and require("guestlua.prompt.examples").command(word) then
    return require("guestlua.prompt.pages").command(word)
  end
end

-- What the prompt prints for a text that is a command of its own; nil for Lua.
function typed.answer(text, columns)
  text = trimmed(text)
  local topic = text:match("^%?%s*(.*)$") or text:match("^help$") and "" or text:match("^help%s+([%w_][^=(]*)$")
  if topic then
    return (typed.help(topic, columns))
  end
  local name, rest = text:match("^%.(%a+)%s*(.*)$")
  if name and COMMANDS[name] then
    return (COMMANDS[name](rest, columns))
  elseif name then
    return ("There is no .%s; there are: .history [words], .help [topic], .quit, .exit"):format(name)
  end
end

return typed
