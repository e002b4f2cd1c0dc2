@echo off
rem Installs @title@ on machines without Python and without a network: install.cmd DIR
setlocal
if exist "%~dp0runtime\@python@" if exist "%~dp0publication" goto install
echo error: the files next to install.cmd are missing 1>&2
echo hint: unpack the whole zip archive first 1>&2
exit /b 6
:install
"%~dp0runtime\@python@" -I -S -B "%~dp0install.pyz" "" "%~dp0." %*
exit /b %errorlevel%
