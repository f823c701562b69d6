/*
 * core.peer(arguments, environment): starts the program arguments[1], which gets this process's standard output and error, no input, and as
 * descriptor 3 its end of a socket pair. It leads a session of its own: no terminal's Ctrl-C reaches it. environment: name -> value, all of
 * it. Gives a Peer; nil and the reason if it cannot be started. Messages are a length, four bytes, the least first, and so many bytes.
 *
 *   peer:read(most)   the next message; nil if there is none any more; nil and the reason if it is longer than `most` bytes, or empty
 *   peer:write(text)  sends a message; false, and nothing is sent, if the last one has not been taken off the socket
 *   peer:kill()       SIGKILL
 *   peer:wait()       waits for its end: its exit code, and the number of the signal that ended it, 0 for none
 *
 * It is killed when it is closed or collected.
 */
#ifndef GL_PEER_H
#define GL_PEER_H

#include <lua.h>

void gl_peer_open(lua_State *L);

#endif
