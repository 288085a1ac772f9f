"""What every test can use: databases, application, servers, browsers. The fixtures are listed in tests/conftest.py."""
