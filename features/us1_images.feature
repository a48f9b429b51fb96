Feature: Images made for production
  As an operator
  I want each part of the application as a small, clean and obedient image
  so that it can run anywhere and hides nothing.

  @FR-009 @static
  Scenario: The parts of the deployment lie where everyone looks for them
    Then the chart lies in "helm/todo-app"
    And every image is described below "images"

  @US1.1 @US1.2 @FR-001
  Scenario Outline: The <app> image starts by itself and answers
    When the image of the <app> is built
    And a container of it is given all that it needs
    Then it answers on its port
    And its log shows no error
    And it ends in good order within 10 seconds when it is told to stop

    Examples:
      | app      |
      | backend  |
      | frontend |

  @FR-005
  Scenario Outline: The <app> refuses to start without <variable>, and says so
    Given the image of the <app>
    When a container of it is given all that it needs except <variable>
    Then it ends at once and its log names <variable>

    Examples:
      | app      | variable            |
      | backend  | DATABASE_URL        |
      | backend  | BETTER_AUTH_SECRET  |
      | backend  | COHERE_API_KEY      |
      | frontend | DATABASE_URL        |
      | frontend | BETTER_AUTH_SECRET  |
      | frontend | NEXT_PUBLIC_API_URL |

  @US1.2 @EC-5
  Scenario: The backend tells the truth about a database that is away
    Given the image of the backend
    When a container of it is given a database that is not there
    Then it lives all the same
    And its health calls the database "unreachable"
    And it is not ready, and says that the database is the reason

  @US1.2 @EC-5
  Scenario: The frontend tells the truth about a database that is away
    Given the image of the frontend
    When a container of it is given a database that is not there
    Then it lives all the same
    And it is not ready, and says that the database is the reason

  @SC-006 @FR-010
  Scenario Outline: The <app> image is small
    Given the image of the <app>
    Then it takes less than 500 MB

    Examples:
      | app      |
      | backend  |
      | frontend |

  @FR-010
  Scenario Outline: The <app> image runs without privileges and holds nothing but the application
    Given the image of the <app>
    Then it does not run as root
    And its process receives the signal to stop
    And none of its own layers holds tools for building, dependencies for development or tests
    And none of its own layers holds settings, keys or histories of a developer

    Examples:
      | app      |
      | backend  |
      | frontend |

  @FR-010 @FR-005
  Scenario Outline: No secret is in the <app> image
    Given the image of the <app>
    Then none of the secrets of this deployment is anywhere in it
    And nothing of the private network it was built in is anywhere in it

    Examples:
      | app      |
      | backend  |
      | frontend |
