/// What the daemon is told before it begins, and by SIGHUP: settings from a file, the environment
/// and the command line.
///
/// Nothing here has state: a configuration is loaded, and is a value from then on. Failures: all
/// that is wrong is said at once, see [dev.sealbuf.server.config.InvalidConfigurationException].
@NullMarked
package dev.sealbuf.server.config;

import org.jspecify.annotations.NullMarked;
